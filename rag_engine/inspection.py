"""What a knowledge base tells of itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rag_engine.images.image_store import IMAGES, ImageStore
from rag_engine.location import Location
from rag_engine.opening import place_of
from rag_engine.store.catalogue_reader import CatalogueReader
from rag_engine.store.failures import storage
from rag_engine.store.generation import Manifest, read_manifest

__all__ = ["Inspection", "inspect_location", "inspect_store"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a knowledge base holds and was built with; ``bytes`` counts what it takes on disk."""

    documents: int
    chunks: int
    sources: int
    languages: dict[str, int]
    contract: dict[str, object]
    generation: int
    dense: str
    lexical: str
    published: bool
    bytes: dict[str, int]
    images: int = 0
    """Pictures whose vectors and thumbnails are kept."""


def inspect_location(location: Location) -> Inspection:
    """Gather it from where a knowledge base is, with no model and no index in memory.

    Raises:
        StoreNotFound: there is none.
        StoreCorrupt: its catalogue or its manifest is damaged.
        StorageFailed: they can not be read.
    """
    reader, root = place_of(location).open_reader()
    try:
        with storage("reading the index", root):
            return inspect_store(reader, root, read_manifest(root))
    finally:
        reader.close()


def inspect_store(catalogue: CatalogueReader, root: Path, manifest: Manifest | None) -> Inspection:
    """Gather it from a catalogue, and the current generation in ``root`` if there is one."""
    statistics = catalogue.statistics()
    contract = catalogue.meta("contract")
    contract = dict(contract) if isinstance(contract, dict) else {}
    path, images, sizes = root / IMAGES, 0, {}
    if path.is_file():
        store = ImageStore(path, read_only=True)
        images, of_images = store.count(), store.contract
        contract.update({f"images.{name}": value for name, value in of_images.items()})
        store.close()
        with storage("reading the pictures", path):
            sizes = {"images": path.stat().st_size}
    files = manifest.files.values() if manifest else ()
    return Inspection(
        documents=statistics.documents,
        chunks=statistics.chunks,
        sources=statistics.sources,
        languages=statistics.languages,
        contract=contract,
        generation=manifest.number if manifest else 0,
        dense=manifest.dense if manifest else "",
        lexical=manifest.lexical if manifest else "",
        published=manifest is not None and catalogue.changes_after(manifest.revision) == 0,
        bytes={
            "catalogue": catalogue.size(),
            "index": sum(int(file["size"]) for file in files),
            **sizes,
        },
        images=images,
    )
