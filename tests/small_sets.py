"""A small test set in BEIR's layout, of facts in four languages."""

from __future__ import annotations

import json
from pathlib import Path

FACTS = [
    ("de", "Der Leuchtturm von Norderhaven ist 41 Meter hoch.", "Wie hoch ist der Leuchtturm?"),
    ("de", "Die Bäckerei öffnet um sechs Uhr.", "Wann macht die Bäckerei auf?"),
    ("de", "Der Zug nach Altenfels fährt jede Stunde.", "Wie oft fährt der Zug?"),
    ("de", "Im Keller stehen zwölf Fässer Wein.", "Wie viele Fässer stehen im Keller?"),
    ("de", "Die Brücke wurde im Winter gesperrt.", "Wann wurde die Brücke gesperrt?"),
    ("fr", "Le jardin botanique ferme à dix-neuf heures.", "À quelle heure ferme le jardin ?"),
    ("fr", "La soupe contient des poireaux et du thym.", "Que contient la soupe ?"),
    ("fr", "Le facteur passe avant midi.", "Quand passe le facteur ?"),
    ("fr", "Le vieux moulin appartient à la commune.", "À qui appartient le moulin ?"),
    ("fr", "Les volets sont peints en bleu.", "De quelle couleur sont les volets ?"),
    ("en", "The ferry carries nine cars.", "How many cars fit on the ferry?"),
    ("en", "Our neighbour keeps four goats.", "How many goats does the neighbour have?"),
    ("en", "The library lends books for three weeks.", "How long may one keep a book?"),
    ("en", "The clock in the hall is ten minutes slow.", "How wrong is the clock?"),
    ("en", "The path to the lake is closed to bicycles.", "May I cycle to the lake?"),
    ("es", "La panadería vende pan de centeno.", "¿Qué pan vende la panadería?"),
    ("es", "El museo es gratis los domingos.", "¿Cuándo es gratis el museo?"),
    ("es", "La cabra se escapó por el huerto.", "¿Por dónde se escapó la cabra?"),
    ("es", "El pozo tiene veinte metros de fondo.", "¿Cuántos metros tiene el pozo?"),
    ("es", "Las llaves están debajo de la maceta.", "¿Dónde están las llaves?"),
]


def set_of(folder: Path, facts=FACTS) -> Path:
    """Write facts as a set; one more question has no answer in it."""
    (folder / "qrels").mkdir(parents=True)

    def write(name: str, rows: list[dict[str, str]]) -> None:
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / name).write_text(lines, encoding="utf-8")

    corpus = [{"_id": f"p{n}", "text": t, "language": c} for n, (c, t, _) in enumerate(facts)]
    asked = [{"_id": f"q{n}", "text": q, "language": c} for n, (c, _, q) in enumerate(facts)]
    write("corpus.jsonl", corpus)
    write("queries.jsonl", [*asked, {"_id": "none", "text": "Who is it?", "language": "en"}])
    judged = "".join(f"q{n}\tp{n}\t1\n" for n in range(len(facts)))
    near_misses = "none\tp0\t0\nnone\tp1\t0\n"
    header = "query-id\tcorpus-id\tscore\n"
    (folder / "qrels" / "test.tsv").write_text(header + judged + near_misses, encoding="utf-8")
    return folder
