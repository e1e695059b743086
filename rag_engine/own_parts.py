"""Parts of one's own in the place of those that the settings name, checked before they are used."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

from rag_engine.embedding.embedder_contract import EmbedderContract
from rag_engine.errors import InvalidInput
from rag_engine.ports import Embedder, Generator, LanguageDetector, Loader, Reranker

__all__ = ["OwnParts", "check_loaders", "check_part"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnParts:
    """Any object that fulfils a port may stand for it; None: what the settings name.

    ``loaders`` stand before the loaders of the settings, for the endings that they read.

    Raises:
        InvalidInput: an object lacks what its port asks of it.
    """

    embedder: Embedder | None = None
    detector: LanguageDetector | None = None
    reranker: Reranker | None = None
    generator: Generator | None = None
    loaders: Sequence[Loader] = ()

    def __post_init__(self) -> None:
        """Check everything once, so that nothing fails half-way through the documents."""
        if self.embedder is not None:
            check_part("embedder", self.embedder, Embedder)
            if not isinstance(self.embedder.contract, EmbedderContract):
                raise InvalidInput(
                    "embedder: contract is an EmbedderContract (from rag_engine.ports), got "
                    f"{self.embedder.contract!r:.80}"
                )
        if self.detector is not None:
            check_part("detector", self.detector, LanguageDetector)
        if self.reranker is not None:
            check_part("reranker", self.reranker, Reranker)
        if self.generator is not None:
            check_part("generator", self.generator, Generator)
        check_loaders(self.loaders)


def check_part(name: str, part: object, port: type) -> None:
    """Refuse an object that lacks an attribute or a method of the port that it stands for.

    Raises:
        InvalidInput: naming what it lacks; or it is a class.

    >>> check_part("reranker", "a-model", Reranker)
    Traceback (most recent call last):
        ...
    rag_engine.errors.InvalidInput: reranker: a str is no Reranker, it has no method score, no \
attribute name; see rag_engine.ports.Reranker
    """
    if isinstance(part, type):
        raise InvalidInput(
            f"{name}: {part.__name__} is a class; give an object of it, {part.__name__}(...)"
        )
    methods = {member for member, value in vars(port).items() if inspect.isfunction(value)}
    members = {*inspect.get_annotations(port), *vars(port)}
    missing = [
        f"no {'method' if member in methods else 'attribute'} {member}"
        for member in sorted(members, key=lambda member: (member not in methods, member))
        if not member.startswith("_")
        and (
            not hasattr(part, member) or (member in methods and not callable(getattr(part, member)))
        )
    ]
    if missing:
        raise InvalidInput(
            f"{name}: a {type(part).__name__} is no {port.__name__}, it has {', '.join(missing)}; "
            f"see rag_engine.ports.{port.__name__}"
        )


def check_loaders(loaders: object) -> tuple[Loader, ...]:
    """Return loaders as a tuple.

    Raises:
        InvalidInput: one is no ``Loader``, or reads endings that no file name is compared with.
    """
    if not isinstance(loaders, list | tuple):
        raise InvalidInput(f"loaders is a list of Loader objects, got {loaders!r:.80}")
    for loader in loaders:
        check_part("loaders", loader, Loader)
        suffixes = loader.suffixes
        if not isinstance(suffixes, frozenset | set) or not suffixes:
            raise InvalidInput(
                f"loaders: {type(loader).__name__}.suffixes is a set of file name endings such as "
                f"frozenset({{'.srt'}}), got {suffixes!r:.80}"
            )
        for suffix in suffixes:
            if (
                not isinstance(suffix, str)
                or not suffix.startswith(".")
                or suffix != suffix.lower()
            ):
                raise InvalidInput(
                    f"loaders: {type(loader).__name__} reads files that end in {suffix!r:.80}; an "
                    "ending is in lower case, with its dot, such as '.srt'"
                )
    return tuple(loaders)
