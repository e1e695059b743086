"""Translation twins in search and answers, with the real model."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag_engine import Document, Equals, KnowledgeBase, Settings
from tests.samples import ids

RULES = {
    "warranty": {
        "en": "The guarantee on every pump lasts three years from the day of purchase.",
        "de": "Die Garantie auf jede Pumpe gilt drei Jahre ab dem Tag des Kaufs.",
        "es": "La garantía de cada bomba dura tres años desde el día de la compra.",
    },
    "seal": {
        "en": "The seal of the pump must be replaced every autumn by a technician.",
        "de": "Die Dichtung der Pumpe muss jeden Herbst von einem Techniker ersetzt werden.",
        "es": "Un técnico debe sustituir la junta de la bomba cada otoño.",
    },
    "filter": {
        "en": "Wash the filter once a month in warm water without soap.",
        "de": "Waschen Sie den Filter einmal im Monat in warmem Wasser ohne Seife.",
        "es": "Lave el filtro una vez al mes con agua tibia y sin jabón.",
    },
    "holiday": {
        "en": "Every employee has twenty-five days of paid holiday a year.",
        "de": "Alle Angestellten haben fünfundzwanzig Tage bezahlten Urlaub im Jahr.",
        "es": "Cada empleado tiene veinticinco días de vacaciones pagadas al año.",
    },
    "parking": {
        "en": "The car park behind the warehouse is for customers only.",
        "de": "Der Parkplatz hinter dem Lager ist nur für Kunden.",
        "es": "El aparcamiento detrás del almacén es solo para clientes.",
    },
    "fire": {
        "en": "If the fire alarm rings, leave the building by the stairs at once.",
        "de": "Wenn der Feueralarm läutet, verlassen Sie das Gebäude sofort über die Treppe.",
        "es": "Si suena la alarma de incendios, salga enseguida del edificio por la escalera.",
    },
    "refund": {
        "en": "Refunds reach your bank account within fourteen days.",
        "de": "Rückzahlungen sind innerhalb von vierzehn Tagen auf Ihrem Bankkonto.",
        "es": "Los reembolsos llegan a su cuenta bancaria en un plazo de catorce días.",
    },
    "lunch": {
        "en": "The canteen serves lunch from noon to two o'clock.",
        "de": "Die Kantine bietet von zwölf bis zwei Uhr Mittagessen an.",
        "es": "El comedor sirve el almuerzo de doce a dos.",
    },
}
ALONE = [
    Document(id="elevator-it", text="L'ascensore viene controllato due volte all'anno."),
    Document(id="press-pl", text="Na pytania dziennikarzy odpowiada wyłącznie biuro prasowe."),
]


def documents() -> list[Document]:
    translated = [
        Document(id=f"{rule}-{language}", text=text, metadata={"rule": rule})
        for rule, texts in RULES.items()
        for language, text in texts.items()
    ]
    return [*translated, *ALONE]


@pytest.fixture(scope="module")
def path(tmp_path_factory, real_components) -> Path:
    path = tmp_path_factory.mktemp("twins") / "kb"
    with KnowledgeBase.open(path, components=real_components) as kb:
        kb.add(documents())
    return path


@pytest.fixture
def kb(path, real_components):
    with KnowledgeBase.open(path, components=real_components, read_only=True) as opened:
        yield opened


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("How long does the guarantee last?", "warranty-en"),
        ("Wie lange gilt die Garantie?", "warranty-de"),
        ("¿Cada cuánto se cambia la junta de la bomba?", "seal-es"),
        ("Wo dürfen Kunden parken?", "parking-de"),
    ],
)
def test_a_group_is_one_hit_in_the_readers_language(kb: KnowledgeBase, question: str, first: str):
    hits = kb.search(question, k=3)
    assert hits[0].chunk.document_id == first
    rule = first.split("-")[0]
    twins = {twin.chunk.document_id for twin in hits[0].twins}
    assert twins == {f"{rule}-{language}" for language in RULES[rule]} - {first}
    shown = [hit.chunk.document_id.split("-")[0] for hit in hits]
    assert len(set(shown)) == len(shown), "each content once"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_reader_of_another_language_gets_the_best(kb: KnowledgeBase):
    hit = kb.search("Combien de temps dure la garantie ?", k=1)[0]
    assert hit.chunk.document_id.startswith("warranty-")
    assert len(hit.twins) == 2


def test_off_by_a_setting(path: Path, real_components):
    settings = Settings.model_validate({"retrieval": {"group_twins": False}})
    with KnowledgeBase.open(
        path, components=real_components, settings=settings, read_only=True
    ) as kb:
        hits = kb.search("How long does the guarantee last?", k=3)
    assert {hit.chunk.document_id.split("-")[0] for hit in hits} == {"warranty"}
    assert not any(hit.twins for hit in hits)


def test_a_filter_holds_for_twins(kb: KnowledgeBase):
    question = "How long does the guarantee last?"
    german = kb.search(question, k=3, where=Equals("language", "de"))
    assert {hit.chunk.language for hit in german} == {"de"}
    assert not any(hit.twins for hit in german)
    warranty = kb.search(question, k=3, where=Equals("rule", "warranty"))
    assert len(warranty) == 1


def test_a_deleted_twin_is_gone(tmp_path: Path, real_components):
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        kb.add(documents())
        kb.publish()
        kb.delete(["warranty-en"])
        hit = kb.search("How long does the guarantee last?", k=1)[0]
        assert {hit.chunk.document_id, *(t.chunk.document_id for t in hit.twins)} == {
            "warranty-de",
            "warranty-es",
        }


def test_an_answer_reads_each_content_once(kb: KnowledgeBase):
    answer = kb.ask("How long does the guarantee last?")
    assert answer.citations[0].document_id == "warranty-en"
    read = [hit.chunk.document_id.split("-")[0] for hit in answer.hits]
    assert len(set(read)) == len(read)


def test_ranking_many_questions_groups_nothing(kb: KnowledgeBase):
    [ranked] = kb.rank(["How long does the guarantee last?"])
    assert {each.document_id for each in ranked[:3]} == {f"warranty-{x}" for x in RULES["warranty"]}
    assert len(ranked) == len(documents())


def test_ranking_as_if_some_were_not_there(kb: KnowledgeBase):
    gone = [f"warranty-{language}" for language in RULES["warranty"]]
    [ranked] = kb.rank(["How long does the guarantee last?"], without=[gone])
    assert not set(gone) & {each.document_id for each in ranked}


def test_passages_without_translations_stand_alone(kb: KnowledgeBase):
    hits = kb.search("Can journalists talk to anyone?", k=1)
    assert ids(hits) == ["press-pl"]
    assert hits[0].twins == ()
