"""What each of the made files says and no other does, with an English question for it."""

from __future__ import annotations

FACTS: dict[str, tuple[str, str]] = {
    "deck.pptx": (
        "पुस्तकालय की वार्षिक सदस्यता का शुल्क तीन सौ रुपये है।",
        "How much does a yearly membership of the library cost?",
    ),
    "impress.pptx": (
        "Die Seilbahn fährt im Winter nur bis zur Mittelstation.",
        "How far up does the cable car go in winter?",
    ),
    "writer.xlsx": (
        "Der Schlüssel zum Bootshaus liegt beim Hausmeister.",
        "Who keeps the key of the boathouse?",
    ),
    "calc.xlsx": (
        "يجب حجز قاعة الموسيقى قبل أسبوع من الحفلة.",
        "How long before a concert must the music hall be booked?",
    ),
    "calc.xls": (
        "ที่จอดรถใต้ดินปิดตอนเที่ยงคืน",
        "When does the underground car park close?",
    ),
    "calc.ods": (
        "自転車は駅前の駐輪場で無料で借りられます。",
        "Where can I borrow a bicycle for free?",
    ),
    "writer.odt": (
        "Die Fähre über den See verkehrt nur bei ruhigem Wasser.",
        "When does the ferry cross the lake?",
    ),
    "writer.epub": (
        "灯台の見学は満潮の二時間前までに申し込んでください。",
        "How long before high tide must one register for the lighthouse tour?",
    ),
    "mail.eml": (
        "تُلغى الرحلة إلى الجزيرة إذا هبت رياح قوية.",
        "When is the trip to the island cancelled?",
    ),
    "writer.rtf": (
        "ช่างซ่อมลิฟต์มาตรวจทุกวันที่สิบห้าของเดือน",
        "On which day of the month is the lift inspected?",
    ),
    "outlook.msg": (
        "예약한 자리는 공연 시작 십오 분 전까지만 유지됩니다.",
        "Until when is a reserved seat kept?",
    ),
    "writer.doc": (
        "A cozinha comum deve ficar limpa até às dez da noite.",
        "By what time must the shared kitchen be clean?",
    ),
    "impress.ppt": (
        "Билеты в оранжерею продаются только в киоске у фонтана.",
        "Where are tickets for the greenhouse sold?",
    ),
    "impress.odp": (
        "الغوص مسموح به فقط مع مدرب معتمد.",
        "Who must come along for diving?",
    ),
    "writer.docm": (
        "Kunci gudang garam disimpan di kantor kepala desa.",
        "Where is the key of the salt store kept?",
    ),
    "writer.dotx": (
        "Pszczelarz odwiedza ule co drugą sobotę.",
        "How often does the beekeeper visit the hives?",
    ),
    "writer.ott": (
        "Sauna lämmitetään keskiviikkoisin kello viideksi.",
        "On which day is the sauna heated?",
    ),
    "calc.xlsm": (
        "Çömlek atölyesine en fazla sekiz kişi katılabilir.",
        "How many people may join the pottery workshop?",
    ),
    "calc.xltx": (
        "Kütüphaneden en fazla beş kitap ödünç alınabilir.",
        "How many books may one borrow from the library?",
    ),
    "calc.ots": (
        "Măgarii de la fermă mănâncă de trei ori pe zi.",
        "How many times a day are the donkeys fed?",
    ),
    "impress.pptm": (
        "Chìa khóa tháp chuông do bà Lan giữ.",
        "Who keeps the key of the bell tower?",
    ),
    "impress.potx": (
        "Το πλοίο για το νησί φεύγει κάθε πρωί στις επτά.",
        "When does the boat to the island leave?",
    ),
    "impress.ppsx": (
        "A múzeumba a gyerekek ingyen mehetnek be.",
        "Do children get into the museum for free?",
    ),
    "impress.otp": (
        "גן הוורדים סגור בימי שלישי לצורך השקיה.",
        "On which day is the rose garden closed?",
    ),
    "box.mbox": (
        "Oběd v jídelně stojí sto korun.",
        "How much does lunch in the canteen cost?",
    ),
    "page.mhtml": (
        "Hundar måste hållas i koppel på stranden.",
        "Must dogs be kept on a leash at the beach?",
    ),
    "papers.zip": (
        "Kostnica se otevírá jen na požádání u kostelníka.",
        "Whom does one ask to open the ossuary?",
    ),
}
"""By the name of the file."""


def fact(name: str) -> str:
    """Return the sentence that only this file has."""
    return FACTS[name][0]
