"""A few plain sentences in many languages, written for these tests."""

SAMPLES = {
    "am": ["ፓምፑ ውሃ ወደ ላይ ይገፋል።", "ማጣሪያውን በየወሩ ያጽዱ።", "ዋስትናው ሁለት ዓመት ነው።"],
    "ar": ["تدفع المضخة الماء إلى الأعلى.", "هل نظفت المرشح هذا الشهر؟", "مدة الضمان سنتان."],
    "bg": [
        "Помпата изтласква водата нагоре.",
        "Почистете филтъра всеки месец!",
        "Гаранцията е две години.",
    ],
    "bn": ["পাম্পটি জল উপরে তোলে।", "প্রতি মাসে ফিল্টার পরিষ্কার করুন।", "ওয়ারেন্টি দুই বছরের।"],
    "bo": ["ང་ཚོས་ཆུ་འཐུང་གི་ཡོད།", "འདི་ནི་དེབ་ཅིག་རེད།", "ཁོང་སློབ་གྲྭར་འགྲོ་གི་རེད།"],
    "cs": ["Čerpadlo tlačí vodu nahoru.", "Čistěte filtr každý měsíc.", "Záruka trvá dva roky."],
    "de": [
        "Die Pumpe drückt das Wasser nach oben.",
        "Reinigen Sie den Filter jeden Monat!",
        "Die Garantie beträgt zwei Jahre.",
    ],
    "el": [
        "Η αντλία σπρώχνει το νερό προς τα πάνω.",
        "Καθαρίσατε το φίλτρο αυτόν τον μήνα;",
        "Η εγγύηση ισχύει δύο χρόνια.",
    ],
    "en": [
        "The pump pushes the water upwards.",
        "Did you clean the filter this month?",
        "The warranty lasts two years.",
    ],
    "es": [
        "La bomba empuja el agua hacia arriba.",
        "¿Ha limpiado el filtro este mes?",
        "La garantía dura dos años.",
    ],
    "fa": [
        "پمپ آب را به بالا می‌فرستد.",
        "آیا این ماه فیلتر را تمیز کرده‌اید؟",
        "مدت ضمانت دو سال است.",
    ],
    "fi": [
        "Pumppu työntää veden ylöspäin.",
        "Puhdista suodatin joka kuukausi.",
        "Takuu on voimassa kaksi vuotta.",
    ],
    "fr": [
        "La pompe pousse l'eau vers le haut.",
        "Avez-vous nettoyé le filtre ce mois-ci ?",
        "La garantie dure deux ans.",
    ],
    "he": ["המשאבה דוחפת את המים למעלה.", "האם ניקית את המסנן החודש?", "האחריות היא לשנתיים."],
    "hi": ["पंप पानी को ऊपर धकेलता है।", "हर महीने फ़िल्टर साफ़ करें।", "वारंटी दो साल की है।"],
    "hu": [
        "A szivattyú felfelé nyomja a vizet.",
        "Tisztítsa meg a szűrőt minden hónapban!",
        "A garancia két évre szól.",
    ],
    "hy": ["Պոմպը ջուրը մղում է վեր։", "Մաքրեք զտիչը ամեն ամիս։", "Երաշխիքը երկու տարի է։"],
    "id": [
        "Pompa itu mendorong air ke atas.",
        "Bersihkan saringan setiap bulan.",
        "Garansi berlaku selama dua tahun.",
    ],
    "it": [
        "La pompa spinge l'acqua verso l'alto.",
        "Ha pulito il filtro questo mese?",
        "La garanzia dura due anni.",
    ],
    "ja": [
        "ポンプは水を押し上げます。",
        "今月フィルターを掃除しましたか？",
        "保証期間は二年です。",
    ],
    "ka": ["ტუმბო წყალს ზემოთ აწვება.", "გაასუფთავეთ ფილტრი ყოველთვე.", "გარანტია ორი წელია."],
    "km": ["ស្នប់ទឹករុញទឹកឡើងលើ។", "សូមសម្អាតតម្រងរៀងរាល់ខែ។", "ការធានាមានរយៈពេលពីរឆ្នាំ។"],
    "ko": [
        "펌프는 물을 위로 밀어 올립니다.",
        "이번 달에 필터를 청소하셨습니까?",
        "보증 기간은 2년입니다.",
    ],
    "lo": ["ຈັກສູບນ້ຳຍູ້ນ້ຳຂຶ້ນໄປທາງເທິງຢ່າງໄວວາແລະບໍ່ມີສຽງດັງ", "ກະລຸນາທຳຄວາມສະອາດຕົວກອງທຸກໆເດືອນດ້ວຍນ້ຳອຸ່ນ"],
    "my": ["ပန့်သည် ရေကို အပေါ်သို့ တွန်းတင်သည်။", "လစဉ် စစ်ထုတ်ကိရိယာကို သန့်ရှင်းပါ။", "အာမခံသည် နှစ်နှစ် ဖြစ်သည်။"],
    "nl": [
        "De pomp duwt het water omhoog.",
        "Maak het filter elke maand schoon.",
        "De garantie duurt twee jaar.",
    ],
    "pl": [
        "Pompa tłoczy wodę do góry.",
        "Czy wyczyszczono filtr w tym miesiącu?",
        "Gwarancja trwa dwa lata.",
    ],
    "pt": [
        "A bomba empurra a água para cima.",
        "Você limpou o filtro neste mês?",
        "A garantia dura dois anos.",
    ],
    "ru": [
        "Насос толкает воду вверх.",
        "Вы чистили фильтр в этом месяце?",
        "Гарантия действует два года.",
    ],
    "sv": [
        "Pumpen trycker vattnet uppåt.",
        "Rengör filtret varje månad.",
        "Garantin gäller i två år.",
    ],
    "ta": [
        "பம்ப் தண்ணீரை மேலே தள்ளுகிறது.",
        "ஒவ்வொரு மாதமும் வடிகட்டியை சுத்தம் செய்யுங்கள்.",
        "உத்தரவாதம் இரண்டு ஆண்டுகள்.",
    ],
    "th": ["ปั๊มดันน้ำขึ้นไปด้านบนอย่างรวดเร็วและไม่มีเสียงดังรบกวน", "กรุณาทำความสะอาดไส้กรองทุกเดือนด้วยน้ำอุ่นเท่านั้น"],
    "tr": [
        "Pompa suyu yukarı doğru iter.",
        "Bu ay filtreyi temizlediniz mi?",
        "Garanti süresi iki yıldır.",
    ],
    "uk": [
        "Насос штовхає воду вгору.",
        "Чи чистили ви фільтр цього місяця?",
        "Гарантія діє два роки.",
    ],
    "ur": [
        "پمپ پانی کو اوپر کی طرف دھکیلتا ہے۔",
        "کیا آپ نے اس مہینے فلٹر صاف کیا؟",
        "وارنٹی دو سال کی ہے۔",
    ],
    "vi": [
        "Máy bơm đẩy nước lên trên.",
        "Hãy làm sạch bộ lọc mỗi tháng.",
        "Thời hạn bảo hành là hai năm.",
    ],
    "zh": ["水泵把水往上推。", "这个月您清洗过滤网了吗？", "保修期为两年。"],
}

UNSPACED = {"ja", "zh"}
"""Languages that put no blank between sentences."""


def text_in(language: str) -> str:
    return ("" if language in UNSPACED else " ").join(SAMPLES[language])
