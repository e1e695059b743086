"""What is asked for, said to models that were trained with instructions, and to no others."""

from __future__ import annotations

import anyio
import pytest

from rag_engine import Document, KnowledgeBase, Settings
from rag_engine.embedding.prompts import instructed
from rag_engine.errors import InvalidInput
from tests.doubles import HashEmbedder

TEXTS = ["Die Pumpe.", "Der Filter.", "Das Dach."]


class Instructed(HashEmbedder):
    """Finds the passage that the instruction names, as a model with instructions should."""

    def embed_instructed_queries(self, texts, instruction):
        assert instructed("Instruct: x\nQuery: ", instruction)
        return self.embed_passages([instruction for _ in texts])


@pytest.fixture
def opened(tmp_path):
    made = []

    def opening(embedder, **settings):
        kb = KnowledgeBase.open(
            tmp_path / str(len(made)), embedder=embedder, settings=Settings.model_validate(settings)
        )
        kb.add([Document(id=text, text=text) for text in TEXTS])
        made.append(kb)
        return kb

    yield opening
    for kb in made:
        kb.close()


@pytest.mark.parametrize("mode", ["hybrid", "dense"])
def test_an_instruction_says_what_is_looked_for(opened, mode):
    kb = opened(Instructed(), retrieval={"mode": mode})
    for text in TEXTS:
        [best] = kb.search("was ist das", k=1, instruction=text)
        assert best.chunk.text == text
    with pytest.raises(InvalidInput, match="an instruction is a line"):
        kb.search("was ist das", instruction="a\nb")


def test_every_way_of_asking_passes_it_on(opened):
    pytest.importorskip("langchain_core")
    from rag_engine.connectors.langchain import RagEngineRetriever, RagEngineVectorStore

    kb = opened(Instructed(), answering={"min_score": 0.0, "strictness": "eager", "hits": 1})
    asked = {"question": "was ist das", "instruction": TEXTS[1]}

    async def awaited():
        async with kb.astream(**asked) as stream:
            async for _ in stream:
                pass
        return await kb.asearch(**asked, k=1), await kb.aask(**asked), stream.answer

    [hit], *answers = anyio.run(awaited)
    answers.append(kb.ask(**asked))
    assert [hit, *(answer.hits[0] for answer in answers)] == kb.search(**asked, k=1) * 4
    retriever = RagEngineRetriever(knowledge_base=kb, k=1, instruction=TEXTS[1])
    for passages in (retriever.invoke("was ist das"), retriever.invoke("x", instruction=TEXTS[1])):
        assert [passage.page_content for passage in passages] == [TEXTS[1]]
    store = RagEngineVectorStore(kb)
    [document] = store.similarity_search("was ist das", k=1, instruction=TEXTS[2])
    assert document.page_content == TEXTS[2]


def test_it_is_refused_where_it_does_nothing(opened):
    with pytest.raises(InvalidInput, match="the embedder 'hash' takes none"):
        opened(HashEmbedder()).search("was ist das", instruction="Find a rule")
    lexical = opened(Instructed(), retrieval={"mode": "lexical"})
    with pytest.raises(InvalidInput, match=r"has no effect: retrieval\.mode = 'lexical'"):
        lexical.search("was ist das", instruction="Find a rule")


def test_the_bundled_model_takes_none(tmp_path, real_components):
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        kb.add([Document(id="1", text=TEXTS[0])])
        assert kb.search("pump", k=1)
        with pytest.raises(InvalidInput, match="it reads 'query: ' before a question"):
            kb.search("pump", instruction="Find a rule")
