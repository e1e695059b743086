"""Texts in many languages, and the encodings that files in these languages are found in.

``python -m tests.connectors.loaders.encoded_texts`` prints how each is read: right (perhaps with a
warning), reported (a problem, or characters that were replaced) or silently wrong.
"""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator

from rag_engine.connectors.loaders.parsing.decoding import decode
from rag_engine.vietnamese_encodings import know_vietnamese_encodings

__all__ = ["OUTCOMES", "TEXTS", "outcome", "pairs"]

OUTCOMES = ("right", "right, with a warning", "reported", "silently wrong")

TEXTS: dict[str, tuple[str, ...]] = {
    "de": (
        "Die Bücherei öffnet wieder früh.",
        "Wer ein Buch verlängern möchte, meldet sich am Schalter.",
        "Für größere Gruppen gibt es samstags Führungen, und die Gebühr beträgt drei Euro.",
    ),
    "fr": (
        "La bibliothèque est fermée l'été.",
        "Pour prolonger un prêt, présentez-vous à l'accueil avec votre carte.",
        "Les élèves peuvent réserver une salle où ils étudient sans être dérangés.",
    ),
    "es": (
        "El niño devolvió los libros mañana.",
        "La biblioteca cerrará también el próximo sábado por la tarde.",
        "¿Quién pagó la multa? Según el señor Núñez, nadie llegó a tiempo.",
    ),
    "pt": (
        "A biblioteca não abre amanhã.",
        "As crianças só podem levar três livros e têm de os devolver até quinta-feira.",
        "A inscrição é grátis, mas há uma caução para estudantes de fora da região.",
    ),
    "it": (
        "La biblioteca riaprirà lunedì, perché è finita.",
        "Chi perderà la tessera pagherà due euro, così è più semplice per la città.",
        "Il venerdì l'orario è ridotto e la sala non è aperta, però c'è il prestito.",
    ),
    "nl": (
        "De bibliotheek is geopend; één boek per persoon.",
        "Reünies en vergaderingen kunnen in de zaal gehouden worden, mits geïnteresseerden bellen.",
        "De coördinator heeft de gegevens van alle lezers, ook die van België, bij de hand.",
    ),
    "sv": (
        "Biblioteket är öppet på lördagar.",
        "Den som vill förlänga sina lån måste höra av sig före fredagen.",
        "Barnen får låna böcker gratis, men för vuxna kostar kortet fyra kronor om året.",
    ),
    "da": (
        "Biblioteket åbner først på lørdag.",
        "Man kan låne bøger gratis, hvis man har et gyldigt kort og bor i området.",
        "Børnene må gerne få hjælp, når de søger efter en bestemt bog på hylderne.",
    ),
    "no": (
        "Biblioteket er åpent på søndager også.",
        "Når du låner en bok, må du få den stemplet før du går ut av døra.",
        "Vi har også lydbøker og tegneserier, så det er noe for både små og store.",
    ),
    "fi": (
        "Kirjasto on tänään auki myöhään.",
        "Lainaa voi jatkaa soittamalla tai käymällä palvelupisteessä, ennen kuin eräpäivä on ohi.",
        "Lapsille on oma huone, jossä he voivat lukea, pelata ja tehdä läksyjä.",
    ),
    "is": (
        "Bókasafnið er opið á þriðjudögum.",
        "Þeir sem vilja framlengja lánið verða að hringja áður en fresturinn rennur út.",
        "Börnin fá að velja sér bækur sjálf og það kostar ekkert að fá kort.",
    ),
    "pl": (
        "Biblioteka będzie w środę zamknięta.",
        "Książkę można przedłużyć przy ladzie lub przez telefon, jeśli nikt jej nie zamówił.",
        "Dzieci mają własną czytelnię, gdzie mogą się uczyć i grać w różne gry.",
    ),
    "cs": (
        "Knihovna bude v úterý zavřená.",
        "Výpůjčku lze prodloužit u přepážky nebo telefonicky, pokud si knihu nikdo nezamluvil.",
        "Děti mají vlastní čítárnu, kde se mohou učit a hrát různé společenské hry.",
    ),
    "sk": (
        "Knižnica bude v štvrtok zatvorená.",
        "Výpožičku možno predĺžiť pri pulte, ak si knihu nikto iný neobjednal.",
        "Deti majú vlastnú čitáreň, kde sa môžu učiť a hrať rôzne hry, ktoré majú rady.",
    ),
    "hu": (
        "A könyvtár hétfőn zárva lesz.",
        "A kölcsönzést meg lehet hosszabbítani, ha más nem kérte a könyvet időközben.",
        "A gyerekeknek külön termük van, ahol tanulhatnak, és különböző játékokkal játszhatnak.",
    ),
    "ro": (
        "Biblioteca va fi închisă marţi şi joi.",
        "Împrumutul se poate prelungi la ghişeu dacă nimeni altcineva nu a cerut cartea.",
        "Copiii au o sală a lor, în care pot să înveţe şi să se joace după şcoală.",
    ),
    "hr": (
        "Knjižnica će u četvrtak biti zatvorena.",
        "Posudba se može produžiti na šalteru ako nitko drugi nije naručio knjigu.",
        "Djeca imaju vlastitu čitaonicu gdje mogu učiti i igrati različite društvene igre.",
    ),
    "sl": (
        "Knjižnica bo v četrtek zaprta.",
        "Izposojo je mogoče podaljšati pri pultu, če knjige ni naročil nihče drug.",
        "Otroci imajo svojo čitalnico, kjer se lahko učijo in igrajo različne igre.",
    ),
    "lt": (
        "Biblioteka antradienį bus uždaryta.",
        "Knygą galima pasilikti ilgiau, jeigu jos neužsisakė kitas skaitytojas.",
        "Vaikai turi savo skaityklą, kurioje gali mokytis ir žaisti įvairius žaidimus.",
    ),
    "lv": (
        "Bibliotēka otrdien būs slēgta.",
        "Grāmatu var paturēt ilgāk, ja to nav pasūtījis kāds cits lasītājs.",
        "Bērniem ir sava lasītava, kurā viņi var mācīties un spēlēt dažādas spēles.",
    ),
    "et": (
        "Raamatukogu on täna õhtul suletud.",
        "Laenutust saab pikendada, kui keegi teine pole raamatut endale küsinud.",
        "Lastel on oma lugemissaal, kus nad võivad õppida ja mängida, kuni uksed suletakse öösel.",
    ),
    "tr": (
        "Kütüphane salı günü kapalı olacaktır.",
        "Başka biri istemediyse kitabın süresi gişeden ya da telefonla uzatılabilir.",
        "Çocukların kendi okuma odası var; orada ders çalışıp çeşitli oyunlar oynayabilirler.",
    ),
    "ru": (
        "Библиотека во вторник не работает.",
        "Срок можно продлить у стойки или по телефону, если книгу никто не заказал.",
        "У детей есть свой читальный зал, где они могут учиться и играть в разные игры.",
    ),
    "ba": (
        "Китапхана шәмбе көнө асыҡ.",
        "Балалар өс китап ала, уларҙы кесаҙнаға тиклем ҡайтарырға кәрәк.",
        "Яңы уҡыу залында һәр кемгә урын бар, ә кескәйҙәр өсөн әкиәттәр уҡыйҙар.",
    ),
    "kk": (
        "Кітапхана сенбі күні ашық.",
        "Балалар үш кітап ала алады, оларды бейсенбіге дейін қайтару қажет.",
        "Жаңа оқу залында әркімге орын бар, ал өңірдегі ғалымдар үшін жұмыс бөлмесі дайын.",
    ),
    "ky": (
        "Китепкана ишемби күнү ачык.",
        "Балдар үч китеп ала алышат, аларды бейшембиге чейин кайтаруу керек.",
        "Жаңы окуу залында ар кимге орун бар, ал эми өлкөдөгү окумуштуулар үчүн бөлмө даяр.",
    ),
    "tg": (
        "Китобхона рӯзи шанбе кушода аст.",
        "Кӯдакон се китоб мегиранд ва онҳоро то рӯзи панҷшанбе бармегардонанд.",
        "Дар толори нави хониш барои ҳар кас ҷой ҳаст, вале қоидаҳо ба ҳама баробаранд.",
    ),
    "tt": (
        "Китапханә шимбә көнне ачык.",
        "Балалар өч китап ала, аларны пәнҗешәмбегә кадәр кайтарырга кирәк.",
        "Яңа уку залында һәркемгә урын бар, ә галимнәр өчен аерым бүлмә әзер.",
    ),
    "uk": (
        "Бібліотека у вівторок не працює.",
        "Термін можна подовжити біля стійки, якщо книжку ніхто інший не замовив.",
        "Діти мають власну читальню, де можуть вчитися й гратися, а їхні батьки п'ють каву.",
    ),
    "bg": (
        "Библиотеката няма да работи във вторник.",
        "Срокът може да се удължи на гишето, ако никой друг не е поръчал книгата.",
        "Децата си имат своя читалня, където могат да учат и да играят различни игри.",
    ),
    "sr": (
        "Библиотека неће радити у четвртак.",
        "Рок се може продужити на шалтеру ако нико други није наручио књигу.",
        "Деца имају своју читаоницу, где могу да уче и да се играју кад год желе.",
    ),
    "el": (
        "Η βιβλιοθήκη την Τρίτη θα είναι κλειστή.",
        "Ο δανεισμός παρατείνεται στο γκισέ, αν κανείς άλλος δεν ζήτησε το βιβλίο.",
        "Τα παιδιά έχουν δικό τους αναγνωστήριο, όπου μπορούν να διαβάζουν και να παίζουν.",
    ),
    "he": (
        "הספרייה תהיה סגורה ביום שלישי.",
        "אפשר להאריך את ההשאלה בדלפק אם איש לא הזמין את הספר.",
        "לילדים יש אולם קריאה משלהם, ובו הם יכולים ללמוד ולשחק.",
    ),
    "ar": (
        "المكتبة مغلقة يوم الثلاثاء.",
        "يمكن تمديد الإعارة عند المكتب إذا لم يطلب الكتاب شخص آخر.",
        "للأطفال قاعة قراءة خاصة بهم يستطيعون أن يدرسوا فيها ويلعبوا.",
    ),
    "fa": (
        "کتابخانه سه شنبه بسته است.",
        "اگر کسي کتاب را نخواسته باشد، مي توان مهلت آن را تمديد کرد.",
        "کودکان اتاق مطالعه خود را دارند و در آن درس مي خوانند و بازي مي کنند.",
    ),
    "th": (
        "ห้องสมุดปิดวันอังคาร",
        "ถ้าไม่มีใครจองหนังสือไว้ สามารถต่ออายุการยืมได้ที่เคาน์เตอร์",
        "เด็ก ๆ มีห้องอ่านหนังสือของตัวเอง ซึ่งใช้เรียนและเล่นเกมได้",
    ),
    "vi": (
        "Thư viện đóng cửa vào thứ ba.",
        "Có thể gia hạn tại quầy nếu không ai khác đặt trước cuốn sách đó.",
        "Trẻ em có phòng đọc riêng, nơi các em có thể học và chơi nhiều trò chơi.",
    ),
    "ja": (
        "図書館は火曜日に休みます。",
        "ほかの人が予約していなければ、窓口か電話で貸出を延長できます。",
        "子どもには専用の部屋があり、そこで勉強したり、ゲームをしたりできます。",
    ),
    "ko": (
        "도서관은 화요일에 쉽니다.",
        "다른 사람이 책을 예약하지 않았다면 창구나 전화로 기간을 늘릴 수 있습니다.",
        "아이들에게는 따로 열람실이 있어서 공부도 하고 놀이도 할 수 있습니다.",
    ),
    "zh": (
        "图书馆星期二闭馆。",
        "如果没有其他人预约这本书，可以在柜台或者打电话续借。",
        "孩子们有自己的阅览室，可以在那里学习，也可以玩各种游戏。",
    ),
    "zh-Hant": (
        "圖書館星期二閉館。",
        "如果沒有其他人預約這本書，可以在櫃檯或者打電話續借。",
        "孩子們有自己的閱覽室，可以在那裡學習，也可以玩各種遊戲。",
    ),
    "mt": (
        "Il-librerija tkun magħluqa nhar it-Tlieta, jiġifieri għada.",
        "Is-self jista' jiġi mġedded fuq il-bank jekk ħadd ieħor ma talab il-ktieb.",
        "It-tfal għandhom kamra tagħhom, fejn jistgħu jaqraw u jilagħbu ż-żewġ logħbiet.",
    ),
    "eo": (
        "La biblioteko estos fermita ĵaŭde, ĉar ĝi estas riparata.",
        "Oni povas plilongigi la prunton ĉe la giĉeto, se neniu alia mendis la libron.",
        "La infanoj havas propran ĉambron, en kiu ili rajtas ludi kaj lerni ĝis la naŭa.",
    ),
    "cy": (
        "Bydd y llyfrgell ar gau ddydd Mawrth, meddai'r tŷ.",
        "Gellir ymestyn y cyfnod wrth y ddesg, os nad oes rhywun wedi gofyn am y llyfr i'r tŵr.",
        "Mae gan y plant ystafell eu hunain, lle cânt ddysgu a chwarae gemau gyda'r gŵr.",
    ),
}
"""By language: a short line, then two more sentences."""

_WEST = "de fr es pt it nl sv da no fi is"
_CENTRAL = "pl cs sk hu ro hr sl"
_ENCODINGS = {
    "cp437": "de fr es it sv fi nl",
    "cp850": _WEST,
    "cp858": "de fr es",
    "cp852": _CENTRAL,
    "cp855": "ru bg sr",
    "cp857": "tr",
    "cp860": "pt",
    "cp861": "is",
    "cp863": "fr",
    "cp865": "da no",
    "cp866": "ru bg",
    "cp1125": "uk",
    "cp737": "el",
    "cp869": "el",
    "cp862": "he",
    "cp775": "lt lv et",
    "koi8_r": "ru",
    "koi8_u": "uk",
    "mac_roman": _WEST.removesuffix(" is"),
    "mac_latin2": "pl cs sk hu",
    "mac_croatian": "hr sl",
    "mac_romanian": "ro",
    "mac_iceland": "is",
    "mac_turkish": "tr",
    "mac_cyrillic": "ru bg uk sr",
    "kz1048": "kk",
    "ptcp154": "kk ky tt ba",
    "koi8_t": "tg",
    "mac_greek": "el",
    "iso8859_1": f"{_WEST}",
    "iso8859_2": _CENTRAL,
    "iso8859_3": "mt eo",
    "iso8859_4": "lt lv et",
    "iso8859_5": "ru bg sr uk",
    "iso8859_6": "ar",
    "cp720": "ar",
    "mac_arabic": "ar",
    "iso8859_7": "el",
    "iso8859_8": "he",
    "iso8859_9": "tr",
    "iso8859_10": "is sv",
    "iso8859_11": "th",
    "iso8859_13": "lt lv et",
    "iso8859_14": "cy",
    "iso8859_15": "fr fi et de",
    "iso8859_16": "pl hu hr ro",
    "cp1250": _CENTRAL,
    "cp1251": "ru uk bg sr",
    "cp1252": _WEST,
    "cp1253": "el",
    "cp1254": "tr",
    "cp1255": "he",
    "cp1256": "ar fa",
    "cp1257": "lt lv et",
    "cp1258": "vi",
    "viscii": "vi",
    "tcvn3": "vi",
    "vni": "vi",
    "cp874": "th",
    "tis_620": "th",
    "gb2312": "zh",
    "gbk": "zh",
    "gb18030": "zh zh-Hant",
    "hz": "zh",
    "big5": "zh-Hant",
    "big5hkscs": "zh-Hant",
    "cp950": "zh-Hant",
    "shift_jis": "ja",
    "cp932": "ja",
    "euc_jp": "ja",
    "iso2022_jp": "ja",
    "euc_kr": "ko",
    "cp949": "ko",
    "johab": "ko",
    "iso2022_kr": "ko",
    "utf_7": "de ru",
    **{
        f"{name}": " ".join(TEXTS)
        for name in ("utf_8", "utf_8_sig", "utf_16", "utf_16_le", "utf_16_be", "utf_32")
    },
    **dict.fromkeys(("utf_32_le", "utf_32_be"), "de ru zh ar ko th"),
}


def pairs() -> Iterator[tuple[str, str, str, bytes, str]]:
    """Yield language, encoding, length (``long``, ``short``), the bytes, and the text they are."""
    for encoding, languages in _ENCODINGS.items():
        for language in languages.split():
            lines = TEXTS[language]
            for length, text in (("long", "\n".join(lines * 2)), ("short", lines[0])):
                data = _encoded(text, encoding)
                yield language, encoding, length, data, data.decode(encoding)


def _encoded(text: str, encoding: str) -> bytes:
    if encoding in {"mac_romanian", "iso8859_16"}:  # Romanian as it is written today
        text = text.translate(str.maketrans("şţŞŢ", "șțȘȚ"))
    if encoding == "cp1258":  # it has letters and tone marks, each by itself
        text = "".join(
            letter if letter in "ăâêôơưđĂÂÊÔƠƯĐ" else _apart(letter)
            for letter in unicodedata.normalize("NFC", text)
        )
    know_vietnamese_encodings()
    return text.encode(encoding)


def _apart(letter: str) -> str:
    """Take the tone from a Vietnamese letter, and leave its other mark."""
    parts = unicodedata.normalize("NFD", letter)
    tones = [mark for mark in parts if mark in "\u0300\u0301\u0303\u0309\u0323"]
    rest = "".join(mark for mark in parts if mark not in tones)
    return unicodedata.normalize("NFC", rest) + "".join(tones)


def outcome(data: bytes, text: str) -> str:
    """Tell how some bytes are read: one of ``OUTCOMES``."""
    decoded = decode(data)
    read = unicodedata.normalize("NFC", decoded.text)
    same = str.maketrans("şţŞŢ", "șțȘȚ")  # a cedilla or a comma: both are read as the same letter
    if read.translate(same) == unicodedata.normalize("NFC", text).translate(same):
        return "right, with a warning" if decoded.problems else "right"
    return "reported" if decoded.problems else "silently wrong"


def main() -> None:
    """Print the outcomes that are not right, and how many of each there are."""
    counts: Counter[tuple[str, str]] = Counter()
    for language, encoding, length, data, text in pairs():
        told = outcome(data, text)
        counts[length, told] += 1
        if told != "right":
            read = decode(data)
            sys.stdout.write(
                f"{told:>21} {length:>5} {language:>7} {encoding:<13} as {read.encoding:<12} "
                f"{read.text[:50]!r}\n"
            )
    for length in ("long", "short"):
        numbers = ", ".join(f"{counts[length, told]} {told}" for told in OUTCOMES)
        sys.stdout.write(f"{length}: {numbers}\n")


if __name__ == "__main__":
    main()
