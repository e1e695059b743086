"""What an index promises: everything that must be equal when it is opened again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from rag_engine.calibration.model_fit import fit_beside, fit_of
from rag_engine.components import Components
from rag_engine.errors import ContractMismatch, StoreCorrupt
from rag_engine.settings import Settings

__all__ = [
    "check_contract",
    "components_to_open",
    "contract_differences",
    "contract_to_open",
    "index_contract",
    "settings_to_open",
]

_FIT = "fit"
"""What was fitted to the model, by the SHA-256 of its figures. A contract without one has none, as
those that were written before there were any."""
_BITS = "token_bits"
"""How the vectors of tokens are kept. A contract without it says eight, as up to version 0.7."""
_AUTO, _NONE = "auto", "none"
_ABSENT = {_FIT: _NONE, _BITS: 8}
"""What a contract without a field says."""

_log = logging.getLogger(__name__)


def index_contract(components: Components, settings: Settings) -> dict[str, object]:
    """Return the contract of an index built with these parts, as flat plain data."""
    from rag_engine.text.analysis import ANALYSER_VERSION  # imported while a model is read

    embedder = components.embedder.contract.as_dict()
    # Named only where it is so: bases of every other embedder, older ones too, promise what they
    # always did.
    sparse = {"sparse": "weights of tokens"} if components.sparse else {}
    fit = fit_of(components.embedder)
    space = components.token_space
    return {
        **{f"embedder.{name}": value for name, value in embedder.items()},
        **{f"chunking.{name}": value for name, value in settings.chunking.model_dump().items()},
        "analyser": ANALYSER_VERSION,
        "detector": components.detector.version,
        "storage": "float16",
        "token_space": components.token_space.version if components.token_space else "none",
        **sparse,
        **({} if fit is None else {_FIT: fit.identity}),
        **({} if space is None or space.bits == 8 else {_BITS: space.bits}),
    }


def settings_to_open(stored: object, settings: Settings) -> Settings:
    """Return settings by which an index is opened with the fit that its ``stored`` contract has.

    With ``embedder.fit = "auto"`` an index that was built before its model was fitted would get
    the fit that lies beside the model now, and not open. It goes on without, and the log says so.
    """
    embedder = settings.embedder
    if getattr(embedder, "fit", _NONE) != _AUTO or not isinstance(stored, dict) or _FIT in stored:
        return settings
    beside = fit_beside(str(getattr(embedder, "model", "")))
    if beside is None or not beside.is_file():
        return settings
    _log.info(
        "a fit lies beside the model (%s), and this knowledge base was built without one: it goes "
        "on without; to use the fit, have its documents embedded anew (rag-engine reembed)",
        beside,
    )
    unfitted = embedder.model_copy(update={"fit": _NONE})
    return settings.model_copy(update={"embedder": unfitted})


def components_to_open(stored: object, components: Components) -> Components:
    """Return the parts by which an index is opened that keeps token vectors as it always did.

    One that version 0.7 or before built keeps eight bits a number, until ``recode_tokens`` writes
    it anew.
    """
    space = components.token_space
    if space is None or not isinstance(stored, dict) or _BITS in stored:
        return components
    return replace(components, token_space=replace(space, bits=8))


def contract_to_open(
    stored: object, components: Components, settings: Settings
) -> dict[str, object]:
    """Return what must be equal to open an index; a detector may stand in for the stored one.

    Passages stay in the languages that were told when they came, so that a detector of the same
    kind (a newer one, or one that lacks a model on this machine) does no harm.
    """
    given = index_contract(components, settings)
    accepts = getattr(components.detector, "accepts", None)
    version = stored.get("detector") if isinstance(stored, dict) else None
    if accepts is not None and isinstance(version, str) and accepts(version):
        given["detector"] = version
    return given


def check_contract(stored: object, given: dict[str, object]) -> None:
    """Refuse to open an index with other parts than it was built with.

    Raises:
        ContractMismatch: naming every field that differs.
        StoreCorrupt: the stored contract is no contract.

    >>> check_contract({"detector": "1"}, {"detector": "2"})
    Traceback (most recent call last):
        ...
    rag_engine.errors.ContractMismatch: the knowledge base was built with other settings \
(detector: stored '1', given '2'); open it with the stored ones, or have its documents embedded \
anew while it goes on being used: rag-engine reembed --kb DIR --settings TOML
    """
    differing = contract_differences(stored, given)
    if differing:
        raise ContractMismatch(differing)


def contract_differences(
    stored: object, given: Mapping[str, object]
) -> dict[str, tuple[object, object]]:
    """Return each field in which two contracts differ, with its stored and its given value.

    Raises:
        StoreCorrupt: the stored contract is no contract.

    >>> contract_differences({"detector": "1", "analyser": 5}, {"detector": "2", "analyser": 5})
    {'detector': ('1', '2')}
    """
    if not isinstance(stored, dict):
        raise StoreCorrupt("the catalogue holds no index contract; it is damaged")
    return {
        name: (_value(stored, name), _value(given, name))
        for name in sorted(stored.keys() | given.keys())
        if stored.get(name) != given.get(name)
    }


def _value(contract: Mapping[str, object], name: str) -> object:
    return contract.get(name, _ABSENT.get(name))
