"""What a backup copies of the catalogue and of the pictures: rows by number, and whole tables."""

from __future__ import annotations

from rag_engine.store.live_copy import NumberedRows

__all__ = ["CATALOGUE_ROWS", "CATALOGUE_WHOLE", "IMAGE_ROWS", "IMAGE_WHOLE"]

CATALOGUE_ROWS = (
    NumberedRows(
        table="document",
        key="number",
        index="sqlite_autoindex_document_1",
        stage="copying documents",
        least=16,  # they may be large
        parts=(("field", "document"),),
        unique="id",
    ),
    NumberedRows(
        table="chunk",
        key="id",
        index="chunk_filter",
        stage="copying passages",
        least=128,
        parts=(("token_vectors", "chunk"),),
        owner=("document", "document"),
    ),
)
CATALOGUE_WHOLE = ("meta", "digest", "source", "tombstone", "sqlite_sequence")
IMAGE_ROWS = (
    NumberedRows(
        table="image",
        key="number",
        index="sqlite_autoindex_image_1",
        stage="copying pictures",
        least=32,
        parts=(("thumbnail", "number"),),
        unique="digest",
        identity="digest",
    ),
)
IMAGE_WHOLE = ("meta",)
