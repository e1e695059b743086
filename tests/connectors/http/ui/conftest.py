"""A browser, a service without keys whose answers are scripted, and one that wants a key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from rag_engine import Document, KnowledgeBase, Settings, Span
from rag_engine.connectors.http.service import Service
from rag_engine.pipelines.serve import ServeOptions, open_service
from rag_engine.settings import HybridRetrievalSettings, OpenAICompatibleGeneratorSettings
from tests.connectors.http.service import serving, write_keys
from tests.connectors.http.ui.browser import Browser, chromium
from tests.connectors.http.ui.hostile import HOSTILE
from tests.connectors.scripted_server import Server, scripted_server
from tests.test_twin_hits import RULES

HEBREW = "X-200: המשאבה מגיעה עם מדריך בעברית. יש לקרוא אותו לפני ההפעלה הראשונה."
ARABIC = (
    "لا يدخل أحد إلى الخزان من دون تصريح مكتوب يوقعه مشرف الموقع. "
    "تنتهي صلاحية التصريح بعد أربع ساعات."
)
JAPANESE = "フィルターは半年ごとに交換してください。交換の前に水を止めます。"
THAI = "เมื่อน้ำท่วมให้ปิดสวิตช์ไฟฟ้าก่อน แล้วโทรหาศูนย์บริการลูกค้า"
GERMAN = (
    "Vor der Montage\n\nDie Wärmepumpe steht auf einem ebenen Sockel.\n\nDer Sockel ist 20 cm hoch."
)
LONG = (
    "Visitors sign the book at the gate. "
    + "The guard keeps the book in a drawer and reads it every evening. " * 6
    + "A lost badge costs nine dollars. "
    + "Badges are blue in summer and green in winter, which nobody remembers. " * 6
)

DOCUMENTS = [
    *(
        Document(id=f"{rule}-{language}", text=text, title=f"{rule} ({language})")
        for rule, texts in RULES.items()
        for language, text in texts.items()
    ),
    Document(id="מדריך", text=HEBREW, title="מדריך X-200", source="docs/he/X-200 מדריך.txt"),
    Document(id="tank", text=ARABIC, title="دخول الخزان", source="safety/tank_ar.txt"),
    Document(id="filter-ja", text=JAPANESE, title="フィルター"),
    Document(id="flood-th", text=THAI, title="น้ำท่วม"),
    Document(id="badge", text=LONG, title="Badges"),
    Document(
        id="mount",
        text=GERMAN,
        title="Montage",
        source="manuals/mount_de.pdf",
        metadata={"format": "pdf", "year": 2024},
        spans=(Span(start=0, end=len(GERMAN), section=("Wärmepumpe", "Aufstellen"), page=7),),
    ),
]


@dataclass(kw_only=True)
class Running:
    """A service and where it listens."""

    url: str
    service: Service
    model: Server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def model() -> Iterator[Server]:
    """What writes answers: scripted, over real HTTP."""
    with scripted_server() as server:
        yield server


@pytest.fixture(scope="session")
def plain(browser, model, tmp_path_factory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("page") / "kb"
    settings = Settings(generator=OpenAICompatibleGeneratorSettings(model="m", base_url=model.url))
    with KnowledgeBase.open(folder, settings=settings) as kb:
        kb.add(DOCUMENTS)
    with (
        open_service(ServeOptions(kb=folder, settings=settings)) as service,
        serving(service) as url,
    ):
        yield Running(url=url, service=service, model=model)


@pytest.fixture(scope="session")
def keyed(browser, model, real_components, tmp_path_factory) -> Iterator[Running]:
    """Wants a key, and holds a document for every hostile text."""
    folder: Path = tmp_path_factory.mktemp("keyed")
    # Texts that are no language's may be taken for translations of each other: each is to be shown.
    settings = Settings(retrieval=HybridRetrievalSettings(group_twins=False))
    with KnowledgeBase.open(folder / "kb", settings=settings, components=real_components) as kb:
        kb.add(
            Document(
                id=f"{number} {text}",
                text=f"{text} The pump number {number} is painted grey. {text}",
                title=text,
                source=f"{text}/{number}",
                metadata={"author": text},
                spans=(Span(start=0, end=len(text), section=(text, text), page=number + 1),),
            )
            for number, text in enumerate(HOSTILE)
        )
    options = ServeOptions(kb=folder / "kb", keys=write_keys(folder / "keys.toml"))
    with ExitStack() as stack:
        with mock.patch(
            "rag_engine.connectors.wiring.build_components", return_value=real_components
        ):
            service = stack.enter_context(open_service(options))
        url = stack.enter_context(serving(service))
        yield Running(url=url, service=service, model=model)
