"""What is said when the knowledge base does not hold an answer, in the asker's language."""

from __future__ import annotations

from dataclasses import dataclass

from rag_engine.text.codes import normalise_language

__all__ = ["Refusal", "refusal"]

_FALLBACK = "en"

_SENTENCES = {
    "af": "Die kennisbasis bevat geen antwoord op hierdie vraag nie.",
    "ar": "لا تحتوي قاعدة المعرفة على إجابة لهذا السؤال.",
    "az": "Bilik bazasında bu sualın cavabı yoxdur.",
    "be": "База ведаў не змяшчае адказу на гэта пытанне.",
    "bg": "Базата от знания не съдържа отговор на този въпрос.",
    "bn": "জ্ঞানভাণ্ডারে এই প্রশ্নের উত্তর নেই।",
    "bs": "Baza znanja ne sadrži odgovor na ovo pitanje.",
    "ca": "La base de coneixement no conté cap resposta a aquesta pregunta.",
    "cs": "Znalostní báze neobsahuje odpověď na tuto otázku.",
    "cy": "Nid yw'r gronfa wybodaeth yn cynnwys ateb i'r cwestiwn hwn.",
    "da": "Vidensbasen indeholder ikke noget svar på dette spørgsmål.",
    "de": "Die Wissensdatenbank enthält keine Antwort auf diese Frage.",
    "el": "Η βάση γνώσεων δεν περιέχει απάντηση σε αυτή την ερώτηση.",
    "en": "The knowledge base holds no answer to this question.",
    "eo": "La scibazo ne enhavas respondon al ĉi tiu demando.",
    "es": "La base de conocimientos no contiene ninguna respuesta a esta pregunta.",
    "et": "Teadmusbaasis ei ole sellele küsimusele vastust.",
    "eu": "Ezagutza-baseak ez du galdera honen erantzunik.",
    "fa": "پایگاه دانش پاسخی برای این پرسش ندارد.",
    "fi": "Tietämyskannassa ei ole vastausta tähän kysymykseen.",
    "fr": "La base de connaissances ne contient pas de réponse à cette question.",
    "ga": "Níl freagra ar an gceist seo sa bhunachar eolais.",
    "gl": "A base de coñecemento non contén ningunha resposta a esta pregunta.",
    "gu": "જ્ઞાનકોશમાં આ પ્રશ્નનો જવાબ નથી.",
    "he": "מאגר הידע אינו מכיל תשובה לשאלה זו.",
    "hi": "ज्ञानकोष में इस प्रश्न का उत्तर नहीं है।",
    "hr": "Baza znanja ne sadrži odgovor na ovo pitanje.",
    "hu": "A tudásbázis nem tartalmaz választ erre a kérdésre.",
    "hy": "Գիտելիքների բազան չի պարունակում այս հարցի պատասխանը։",
    "id": "Basis pengetahuan tidak memuat jawaban atas pertanyaan ini.",
    "is": "Þekkingargrunnurinn inniheldur ekkert svar við þessari spurningu.",
    "it": "La base di conoscenza non contiene una risposta a questa domanda.",
    "ja": "ナレッジベースにこの質問への回答はありません。",
    "ka": "ცოდნის ბაზა ამ კითხვაზე პასუხს არ შეიცავს.",
    "kk": "Білім базасында бұл сұрақтың жауабы жоқ.",
    "kn": "ಈ ಪ್ರಶ್ನೆಗೆ ಜ್ಞಾನ ಭಂಡಾರದಲ್ಲಿ ಉತ್ತರವಿಲ್ಲ.",
    "ko": "지식 베이스에 이 질문에 대한 답변이 없습니다.",
    "lt": "Žinių bazėje nėra atsakymo į šį klausimą.",
    "lv": "Zināšanu bāzē nav atbildes uz šo jautājumu.",
    "mk": "Базата на знаење не содржи одговор на ова прашање.",
    "ml": "ഈ ചോദ്യത്തിനുള്ള ഉത്തരം വിജ്ഞാന ശേഖരത്തിൽ ഇല്ല.",
    "mr": "ज्ञानकोशात या प्रश्नाचे उत्तर नाही.",
    "ms": "Pangkalan pengetahuan tidak mengandungi jawapan kepada soalan ini.",
    "ne": "ज्ञान भण्डारमा यस प्रश्नको उत्तर छैन।",
    "nl": "De kennisbank bevat geen antwoord op deze vraag.",
    "no": "Kunnskapsbasen inneholder ikke noe svar på dette spørsmålet.",
    "pa": "ਗਿਆਨ ਭੰਡਾਰ ਵਿੱਚ ਇਸ ਸਵਾਲ ਦਾ ਜਵਾਬ ਨਹੀਂ ਹੈ।",
    "pl": "Baza wiedzy nie zawiera odpowiedzi na to pytanie.",
    "pt": "A base de conhecimento não contém uma resposta para esta pergunta.",
    "ro": "Baza de cunoștințe nu conține un răspuns la această întrebare.",
    "ru": "База знаний не содержит ответа на этот вопрос.",
    "sk": "Znalostná báza neobsahuje odpoveď na túto otázku.",
    "sl": "Zbirka znanja ne vsebuje odgovora na to vprašanje.",
    "sq": "Baza e njohurive nuk përmban një përgjigje për këtë pyetje.",
    "sr": "База знања не садржи одговор на ово питање.",
    "sv": "Kunskapsbasen innehåller inget svar på den här frågan.",
    "sw": "Hifadhi ya maarifa haina jibu la swali hili.",
    "ta": "அறிவுத் தளத்தில் இந்தக் கேள்விக்குப் பதில் இல்லை.",
    "te": "ఈ ప్రశ్నకు జ్ఞాన భాండాగారంలో సమాధానం లేదు.",
    "th": "ฐานความรู้ไม่มีคำตอบสำหรับคำถามนี้",
    "tl": "Walang sagot sa tanong na ito sa knowledge base.",
    "tr": "Bilgi tabanında bu sorunun yanıtı bulunmuyor.",
    "uk": "База знань не містить відповіді на це запитання.",
    "ur": "علمی ذخیرے میں اس سوال کا جواب موجود نہیں ہے۔",
    "uz": "Bilimlar bazasida bu savolga javob yo‘q.",
    "vi": "Cơ sở tri thức không có câu trả lời cho câu hỏi này.",
    "zh": "知识库中没有这个问题的答案。",
}
_TRADITIONAL = "知識庫中沒有這個問題的答案。"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One sentence, and the language (BCP-47, primary subtag) that it is in."""

    text: str
    language: str


def refusal(language: str) -> Refusal:
    """Say in ``language`` (BCP-47) that the knowledge base holds no answer; else in English.

    >>> refusal("pt-BR")
    Refusal(text='A base de conhecimento não contém uma resposta para esta pergunta.', \
language='pt')
    >>> refusal("und").language
    'en'
    """
    code = normalise_language(language)
    if code not in _SENTENCES:
        code = _FALLBACK
    if code == "zh" and {"hant", "tw", "hk", "mo"} & set(language.lower().split("-")):
        return Refusal(_TRADITIONAL, code)
    return Refusal(_SENTENCES[code], code)
