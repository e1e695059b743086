"""All loaders."""

from __future__ import annotations

from collections.abc import Sequence

from rag_engine.connectors.loaders.asciidoc import AsciiDocLoader
from rag_engine.connectors.loaders.doc import DocLoader
from rag_engine.connectors.loaders.docx import DocxLoader
from rag_engine.connectors.loaders.eml import EmlLoader
from rag_engine.connectors.loaders.epub import EpubLoader
from rag_engine.connectors.loaders.html import HtmlLoader
from rag_engine.connectors.loaders.image import ImageLoader
from rag_engine.connectors.loaders.jsonl import JsonlLoader
from rag_engine.connectors.loaders.limits import MAX_FILE_MB
from rag_engine.connectors.loaders.markdown import MarkdownLoader
from rag_engine.connectors.loaders.mbox import MboxLoader
from rag_engine.connectors.loaders.mht import MhtLoader
from rag_engine.connectors.loaders.msg import MsgLoader
from rag_engine.connectors.loaders.notebook import NotebookLoader
from rag_engine.connectors.loaders.ocr.document_pages import Ocr
from rag_engine.connectors.loaders.ocr.options import OcrOptions
from rag_engine.connectors.loaders.odf import OdfLoader
from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.pictures import PictureRules, with_pictures
from rag_engine.connectors.loaders.po import PoLoader
from rag_engine.connectors.loaders.ppt import PptLoader
from rag_engine.connectors.loaders.pptx import PptxLoader
from rag_engine.connectors.loaders.rst import RstLoader
from rag_engine.connectors.loaders.rtf import RtfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.connectors.loaders.subtitles import SubtitlesLoader
from rag_engine.connectors.loaders.table import TableLoader
from rag_engine.connectors.loaders.text import TextLoader
from rag_engine.connectors.loaders.xls import XlsLoader
from rag_engine.connectors.loaders.xlsx import XlsxLoader
from rag_engine.connectors.loaders.xml import XmlLoader
from rag_engine.connectors.loaders.zip import ZipLoader
from rag_engine.ports import Loader

__all__ = ["default_loaders"]

_DEFAULT_OCR = OcrOptions()


def default_loaders(
    *,
    text_columns: Sequence[str] = (),
    title_column: str | None = None,
    id_column: str | None = None,
    metadata_columns: Sequence[str] | None = None,
    max_file_mb: int = MAX_FILE_MB,
    timeout_s: float = 20.0,
    memory_mb: int = 512,
    ocr: OcrOptions | None = _DEFAULT_OCR,
    ocr_required: bool = False,
    pictures: PictureRules | None = None,
) -> tuple[Loader, ...]:
    """Return a loader for every format; they share what makes their child processes.

    Args:
        text_columns: CSV, TSV and JSON: the columns that hold the text; empty: by their names.
        title_column: the column with the title; None or empty: by its name.
        id_column: the column with the id; None or empty: by its name.
        metadata_columns: the columns to keep as metadata; None: every other one.
        max_file_mb: largest file that is read whole, in 10^6 bytes.
        timeout_s: seconds that one file may take; one of rows that, and again for each MB.
        memory_mb: memory that the process which parses it may take, in MiB.
        ocr: how pages that are pictures are read; None: they are not, and no loader reads images.
        ocr_required: whether images that nothing can read are an error; else they are skipped.
        pictures: which pictures become documents; None: none do.

    >>> [type(loader).__name__ for loader in default_loaders() if ".pdf" in loader.suffixes]
    ['PdfLoader']
    """
    sandbox = Sandbox(timeout_s=timeout_s, memory_mb=memory_mb)
    reads = Ocr(ocr) if ocr else None
    images = ImageLoader(sandbox=sandbox, max_file_mb=max_file_mb, ocr=reads, required=ocr_required)
    mails = EmlLoader(sandbox=sandbox, max_file_mb=max_file_mb)
    of_files: tuple[Loader, ...] = (
        TextLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        MarkdownLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        HtmlLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        PdfLoader(sandbox=sandbox, max_file_mb=max_file_mb, ocr=reads),
        DocxLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        PptxLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        XlsxLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        XlsLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        OdfLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        EpubLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        mails,
        MboxLoader([mails], sandbox=sandbox, max_file_mb=max_file_mb),
        MhtLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        MsgLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        DocLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        PptLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        RtfLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        NotebookLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        RstLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        AsciiDocLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        SubtitlesLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        PoLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        XmlLoader(sandbox=sandbox, max_file_mb=max_file_mb),
        *([images] if ocr else []),
        TableLoader(
            text_columns=text_columns,
            title_column=title_column,
            id_column=id_column,
            metadata_columns=metadata_columns,
            sandbox=sandbox,
        ),
        JsonlLoader(
            text_columns=text_columns,
            title_column=title_column,
            id_column=id_column,
            metadata_columns=metadata_columns,
            max_file_mb=max_file_mb,
            sandbox=sandbox,
        ),
    )
    if pictures is not None:
        of_files = with_pictures(of_files, images if ocr else None, pictures, sandbox)
    return (*of_files, ZipLoader(of_files, sandbox=sandbox, max_file_mb=max_file_mb))
