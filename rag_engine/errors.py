"""Every error that the engine raises on purpose.

The tree, drawn once::

    RagEngineError
    ├── InvalidInput            a value the caller gave; also a ValueError
    │   ├── InvalidDocument     a document that can not be indexed
    │   ├── FolderEmpty         what is to be synced gives nothing
    │   ├── InvalidFilter       a filter with a bad key, value or form
    │   └── InvalidVectors      NaN, infinite, zero or wrong-width vectors
    ├── SettingsError           a settings file or value that can not be used
    ├── MissingExtra            an optional package is not installed; also an ImportError
    ├── ModelError              a model that is missing, damaged or of the wrong kind
    ├── WriteStopped            a write that its caller stopped between two steps
    ├── LoadError               one file that could not be read as documents
    │   ├── LoadLimitExceeded   it asked for more memory, time or size than allowed
    │   └── LoadSkipped         what reads files of its kind is not installed
    ├── StoreError              a knowledge base on disk
    │   ├── StoreNotFound       nothing is there
    │   ├── StoreCorrupt        something is there, and it is damaged
    │   ├── StoreLocked         another process is writing to it
    │   ├── StoreReadOnly       a change was asked of a reader
    │   ├── StoreReplaced       another is in its place since it was opened
    │   ├── StoreClosed         used after close()
    │   ├── StoreForked         used in a process forked from the one that opened it
    │   ├── StorageFailed       disk full, I/O error, no permission, locked by a program
    │   └── ContractMismatch    it was built with another model, analyser or setting
    └── ServiceError            a remote service (embeddings, LLM)
        ├── ServiceTimeout      no answer in time
        ├── ServiceRefused      it answered with an error status
        ├── ServiceMalformed    it answered with something unreadable
        └── ServiceUnreachable  no connection, or one that broke off

A message names the value received, what is allowed, and the next step.
"""

from __future__ import annotations

from typing import Literal

__all__ = [
    "ContractMismatch",
    "FolderEmpty",
    "InvalidDocument",
    "InvalidFilter",
    "InvalidInput",
    "InvalidVectors",
    "LoadError",
    "LoadLimitExceeded",
    "LoadSkipped",
    "MissingExtra",
    "ModelError",
    "RagEngineError",
    "ServiceError",
    "ServiceMalformed",
    "ServiceRefused",
    "ServiceTimeout",
    "ServiceUnreachable",
    "SettingsError",
    "StorageFailed",
    "StorageReason",
    "StoreClosed",
    "StoreCorrupt",
    "StoreError",
    "StoreForked",
    "StoreLocked",
    "StoreNotFound",
    "StoreReadOnly",
    "StoreReplaced",
    "WriteStopped",
]

StorageReason = Literal["full", "read-only", "permission", "busy", "limit", "gone", "io"]
"""Why storage failed; see ``StorageFailed``."""

_STEPS: dict[StorageReason, str] = {
    "full": "make room on the disk",
    "read-only": "let it be written to (a reader needs read_only=True, and no more)",
    "permission": "let this user read and write the folder and its files",
    "busy": "end the other program that holds the file",
    "limit": "raise the limit of open files or of file sizes (ulimit)",
    "gone": "see that the folder is where it was and its disk is mounted",
    "io": "look at the disk and at the log of the system",
}


class RagEngineError(Exception):
    """The root: catch this to catch everything the engine raises on purpose."""


class InvalidInput(RagEngineError, ValueError):
    """A value that the caller gave can not be used."""


class InvalidDocument(InvalidInput):
    """A document can not be indexed as it is."""


class FolderEmpty(InvalidInput):
    """A folder or a loader gives nothing that can be read, and ``sync`` would drop what it gave."""


class InvalidFilter(InvalidInput):
    """A filter has a bad key, value or form."""


class InvalidVectors(InvalidInput):
    """Vectors hold NaN, infinity or a zero row, or have the wrong width."""


class SettingsError(RagEngineError, ValueError):
    """A settings file or value can not be used."""


class MissingExtra(RagEngineError, ImportError):
    """An optional package is not installed.

    >>> raise MissingExtra("torch", package="sentence_transformers")
    Traceback (most recent call last):
        ...
    rag_engine.errors.MissingExtra: the package 'sentence_transformers' is not installed; it comes \
with an extra: pip install 'rag-engine[torch]'
    """

    def __init__(self, extra: str, *, package: str) -> None:
        """Name the extra (as in pyproject.toml) and the package that was looked for."""
        super().__init__(
            f"the package {package!r} is not installed; it comes with an extra: "
            f"pip install 'rag-engine[{extra}]'"
        )
        self.extra = extra


class ModelError(RagEngineError):
    """A model is missing, damaged, or not of the expected kind."""


class WriteStopped(RagEngineError):
    """A write ended between two steps because its caller's ``stop`` said so, or was cancelled.

    ``kept`` counts the documents that were written before, whole and durable: they are the first
    of those that were given, in their order. Of the others nothing is kept.

    >>> raise WriteStopped(kept=40)
    Traceback (most recent call last):
        ...
    rag_engine.errors.WriteStopped: stopped on request: the first 40 documents are kept, nothing \
of the others; add those again
    """

    def __init__(self, *, kept: int) -> None:
        """Say how many documents are kept."""
        told = "nothing is kept; add the documents again"
        if kept:
            told = f"the first {kept:,} documents are kept, nothing of the others; add those again"
        super().__init__(f"stopped on request: {told}")
        self.kept = kept


class LoadError(RagEngineError):
    """One file could not be read as documents."""


class LoadLimitExceeded(LoadError):
    """One file asked for more memory, time or size than a loader allows."""


class LoadSkipped(LoadError):
    """What reads files of a kind is not installed: the file is skipped, as others are unread."""


class StoreError(RagEngineError):
    """Something about a knowledge base on disk."""


class StoreNotFound(StoreError):
    """No knowledge base is at the path."""


class StoreCorrupt(StoreError):
    """A knowledge base is at the path and is damaged; nothing was changed."""


class StoreLocked(StoreError):
    """Another process is writing to the knowledge base."""


class StoreReadOnly(StoreError):
    """A change was asked of a knowledge base that was opened for reading."""


class StoreReplaced(StoreError):
    """Another file or folder is in the place of the one that was opened: open it again."""


class StoreClosed(StoreError):
    """The knowledge base was used after close()."""


class StoreForked(StoreError):
    """An open knowledge base was used in a process that was forked from the one that opened it."""


class StorageFailed(StoreError):
    """The file system, SQLite or a server could not do what a knowledge base asked of it.

    ``reason`` is ``full`` (no room, or a quota), ``read-only``, ``permission``, ``busy`` (another
    program holds the file), ``limit`` (of open files, or of a file's size), ``gone`` (a file or
    folder is no longer there) or ``io``. Whatever was acknowledged is kept. The knowledge base
    stays as usable as it was: once the reason is gone, do again what failed.

    >>> raise StorageFailed("adding", cause="disk full", reason="full", kept="nothing was changed")
    Traceback (most recent call last):
        ...
    rag_engine.errors.StorageFailed: adding failed: disk full; nothing was changed; make room on \
the disk, then do it again
    """

    def __init__(
        self, doing: str, *, cause: str, reason: StorageReason, kept: str, step: str | None = None
    ) -> None:
        """Say what failed, why, what was kept, and (``step``, or by the reason) what to do."""
        step = _STEPS[reason] if step is None else step
        super().__init__(f"{doing} failed: {cause}; {kept}; {step}, then do it again")
        self.doing = doing
        self.reason = reason


class ContractMismatch(StoreError):
    """The knowledge base was built with something else than it is opened with.

    ``fields`` maps each differing field to ``(stored, given)``.
    """

    def __init__(self, fields: dict[str, tuple[object, object]]) -> None:
        """List every field that differs, with what is stored and what was given."""
        listing = "; ".join(
            f"{name}: stored {stored!r}, given {given!r}"
            for name, (stored, given) in sorted(fields.items())
        )
        stored, given = map(str, fields.get("embedder.weights", ("", "")))
        hint = ""
        if f"{stored}+" in given or f"{given}+" in stored:  # the one is the other with its adapter
            hint = f" (embedder.adapter = {'true' if '+' in stored else 'false'})"
        if "fit" in fields:
            hint += (
                " (embedder.fit = 'none')"
                if fields["fit"][0] == "none"
                else " (embedder.fit names the file of a fit; its SHA-256 above is of its figures)"
            )
        built, step = "with other settings", f"open it with the stored ones{hint}, or "
        if "analyser" in fields:  # no setting chooses it
            built, step = "by another version of rag-engine", ""
        anew = (
            "have its documents embedded anew while it goes on being used: rag-engine reembed "
            "--kb DIR --settings TOML"
        )
        if any(name.startswith("images.") for name in fields):  # their files are needed for it
            anew = "index the documents into a new knowledge base"
        super().__init__(f"the knowledge base was built {built} ({listing}); {step}{anew}")
        self.fields = dict(fields)


class ServiceError(RagEngineError):
    """A remote service failed."""


class ServiceTimeout(ServiceError):
    """A remote service did not answer in time."""


class ServiceRefused(ServiceError):
    """A remote service answered with an error status.

    ``status`` is the HTTP status code; ``retry_after`` the seconds it asked us to wait, if any.
    """

    def __init__(self, message: str, *, status: int, retry_after: float | None = None) -> None:
        """Keep the status and the wait that the service asked for."""
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class ServiceMalformed(ServiceError):
    """A remote service answered with something that can not be understood."""


class ServiceUnreachable(ServiceError):
    """A remote service could not be connected to, or the connection broke off."""
