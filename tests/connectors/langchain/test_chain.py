"""A chain of ten lines, as its README has it, with a real model on a real local server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI

from rag_engine import Document, KnowledgeBase
from rag_engine.connectors.langchain import ChatModelGenerator, RagEngineRetriever

CHAIN = """\
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_openai import ChatOpenAI
from rag_engine.connectors.langchain import RagEngineRetriever

prompt = ChatPromptTemplate.from_template("Answer from these:\\n{found}\\n\\nQuestion: {question}")
model = ChatOpenAI(base_url="http://localhost:8080/v1", model="smollm2", api_key="-", temperature=0)
with RagEngineRetriever.open("kb", k=1) as retriever:
    found = retriever | (lambda passages: "\\n".join(each.page_content for each in passages))
    chain = {"found": found, "question": RunnablePassthrough()} | prompt | model
    print(chain.invoke("Wie lange gilt die Garantie?").content)
"""
WARRANTY = "The warranty lasts three years from the day of purchase."
DOCUMENTS = [
    Document(id="pump", text="Die Dichtung der Pumpe X-200 wird jedes Jahr ersetzt."),
    Document(id="warranty", text=WARRANTY),
    Document(id="délai", text="退款通常在十四天内到账。"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chain")
    with KnowledgeBase.open(folder / "kb") as kb:
        kb.add(DOCUMENTS)
    return folder


@pytest.fixture
def model(llama_server):
    return ChatOpenAI(
        base_url=llama_server.base_url,
        model=llama_server.model,
        api_key="-",
        temperature=0,
        max_tokens=40,
    )


def test_the_readme_has_this_chain():
    readme = Path(__file__).parents[3] / "connectors" / "langchain" / "README.md"
    assert CHAIN in readme.read_text(encoding="utf-8")


def test_the_readmes_chain_runs(folder, llama_server, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    code = CHAIN.replace("http://localhost:8080/v1", llama_server.base_url)
    exec(code.replace("smollm2", llama_server.model), {})
    assert "three years" in capsys.readouterr().out


def test_a_chain_streams_and_batches(folder, model):
    asked = []

    def question(passages):
        asked.append([each.page_content for each in passages])
        return {"found": passages[0].page_content, "question": "How long is the warranty?"}

    prompt = ChatPromptTemplate.from_template("{found}\n\nQuestion: {question}")
    with RagEngineRetriever.open(folder / "kb", k=1) as retriever:
        chain = retriever | question | prompt | model | StrOutputParser()
        pieces = list(chain.stream("Wie lange gilt die Garantie?"))
        assert len([piece for piece in pieces if piece]) > 3

        async def several():
            return await chain.abatch(["¿Cuánto dura la garantía?", "Quelle est la garantie ?"])

        answers = asyncio.run(several())
    assert len(answers) == 2
    assert all(answers)
    assert asked == [[WARRANTY]] * 3


def test_a_chat_model_answers_for_the_engine(folder, model, llama_server):
    pieces = []
    path, generator = folder / "kb", ChatModelGenerator(model)
    with KnowledgeBase.open(path, generator=generator, read_only=True) as kb:
        answer = kb.ask("From when does the warranty last three years?", on_text=pieces.append)
    assert answer.generator == llama_server.model
    assert answer.hits[0].chunk.text == WARRANTY
    assert len(pieces) > 1  # after the beginning, by which the language is told
    assert answer.text
