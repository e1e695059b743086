"""Runs a notebook from top to bottom; as a program, writes all of them anew with their outputs.

``python -m tests.notebook_runs`` is for after a change to a notebook, or to what it prints. It
starts the llama.cpp server of ``tests/llama_server.py`` for the one that needs a chat model.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

from tests.llama_server import LlamaServer, running

__all__ = ["CHATBOT", "FOLDER", "NOTEBOOKS", "chat_variables", "executed", "text_of"]

_ROOT = Path(__file__).resolve().parent.parent
FOLDER = _ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
CHATBOT = "langchain_chatbot"
_CELL_S = 120
_KEPT = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def chat_variables(server: LlamaServer) -> dict[str, str]:
    """Return the environment variables that lead the chatbot's notebook to a server."""
    return {
        "OPENAI_BASE_URL": server.base_url,
        "OPENAI_MODEL": server.model,
        "OPENAI_API_KEY": "none",
    }


def executed(
    path: Path, folder: Path, variables: Mapping[str, str] | None = None
) -> nbformat.NotebookNode:
    """Run a notebook in an empty folder, beside copies of its data files, and return it.

    Its outputs are taken off first, so that what is returned was printed by this run.

    Raises:
        CellExecutionError: a cell failed.
    """
    for data in path.parent.glob("*.json"):
        shutil.copy(data, folder)
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        timeout=_CELL_S,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        # Sockets in the folder instead of ports, which any process of the machine could reach.
        config=Config(KernelManager={"transport": "ipc", "ip": str(folder / "kernel")}),
        resources={"metadata": {"path": str(folder)}},
    )
    search_path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    own = {"PYTHONPATH": search_path, "IPYTHONDIR": str(folder / "ipython")}
    asyncio.run(client.async_execute(env={**os.environ, **own, **(variables or {})}))
    notebook.metadata = nbformat.from_dict(_KEPT)
    return notebook


def text_of(notebook: nbformat.NotebookNode, cell_id: str) -> str:
    """Return what a cell printed or gave as its value, as plain text."""
    [cell] = [cell for cell in notebook.cells if cell.id == cell_id]
    return "".join(
        output.text if output.output_type == "stream" else output.data.get("text/plain", "")
        for output in cell.outputs
    )


def _write_all(names: list[str]) -> None:
    for path in (path for path in NOTEBOOKS if path.stem in names or not names):
        with tempfile.TemporaryDirectory() as folder:
            if path.stem == CHATBOT:
                with running(Path(folder) / "server.log") as server:
                    notebook = executed(path, Path(folder), chat_variables(server))
            else:
                notebook = executed(path, Path(folder))
        nbformat.write(notebook, path)


if __name__ == "__main__":
    _write_all(sys.argv[1:])
