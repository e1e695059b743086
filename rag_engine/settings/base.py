"""What all settings share: frozen, unknown keys refused, and nothing accepted that has no effect.

A stage whose part there are several kinds of (an embedder, a dense index) has one class a kind,
with the fields that this kind uses. A field of another kind is refused with the kinds that use it.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import Any, ClassVar, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

__all__ = [
    "FROM_STORE",
    "UNKNOWN_KIND",
    "UNUSED",
    "Frozen",
    "Kind",
    "Sourced",
    "chosen_by",
    "is_stored",
    "shown",
]

FROM_STORE = {"stored": True}
"""The validation context of settings that a knowledge base keeps.

Version 0.1 wrote the fields of every kind down; those without effect are left out when read.
"""
UNUSED, UNKNOWN_KIND = "unused_setting", "unknown_kind"
"""Types of our own errors, whose messages name the setting from the top."""

_SECRET = re.compile(r"(?i)key|token|secret|password")
_SHOWN = 80


def is_stored(info: ValidationInfo) -> bool:
    """Tell whether settings are read from a knowledge base, not given by the caller."""
    return bool((info.context or {}).get("stored"))


def shown(name: str, value: object) -> str:
    """Return a value as an error may show it: cut short, and no key.

    >>> shown("model", "BAAI/bge-m3"), shown("api_key", "sk-123")
    ("'BAAI/bge-m3'", '(not shown)')
    """
    if _SECRET.search(name) and not name.endswith("_env") and isinstance(value, str):
        return "(not shown)"
    return f"{value!r:.{_SHOWN}}"


class Frozen(BaseModel):
    """Settings that can not change, of fields that are known and numbers that are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)
    stage: ClassVar[str] = ""
    """The table of the settings file that it is read from."""

    def without_effect(self) -> dict[str, str]:
        """Return the fields that do nothing beside the others, and what would use each."""
        return {}

    def omitted(self) -> set[str]:
        """Return the fields that are not written down."""
        return set(self.without_effect())

    @model_validator(mode="after")
    def _refuse_what_has_no_effect(self, info: ValidationInfo) -> Self:
        for path, user in {} if is_stored(info) else self.without_effect().items():
            *parents, name = path.split(".")
            holder = reduce(getattr, parents, self)
            if name in holder.model_fields_set:
                full = ".".join(filter(None, (self.stage, path)))
                told = _told(full, getattr(holder, name))
                raise PydanticCustomError(
                    UNUSED, "{message}", {"message": f"{told} has no effect: {user}"}
                )
        return self

    @model_serializer(mode="wrap")
    def _leave_out_what_has_no_effect(
        self, handler: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        data: dict[str, Any] = handler(self)
        for path in self.omitted():
            *parents, name = path.split(".")
            holder: Any = reduce(lambda table, part: table.get(part, {}), parents, data)
            holder.pop(name, None)
        return data


class Sourced(Frozen):
    """Settings that know whether the caller gave them, or only a knowledge base names them.

    A knowledge base may have been made by anybody.
    """

    _stored: bool = PrivateAttr(default=False)

    @property
    def from_store(self) -> bool:
        """Whether only a knowledge base names them."""
        return self._stored

    @model_validator(mode="after")
    def _note_where_it_comes_from(self, info: ValidationInfo) -> Self:
        self._stored = is_stored(info)
        return self

    def __eq__(self, other: object) -> bool:
        """Tell whether the same is set, whoever set it."""
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))


class Kind(Frozen):
    """One kind of a part. A stage's base class is a direct subclass, its kinds subclass that."""

    choice: ClassVar[str] = "kind"
    """The field that names the kind."""
    hints: ClassVar[dict[str, str]] = {}
    """What an error says beside, by the field that was given in vain."""

    @classmethod
    def kinds(cls) -> list[type[Kind]]:
        """Return the classes of all kinds of the stage, in their order."""
        stage: type[Kind] = next(base for base in cls.__mro__ if Kind in base.__bases__)
        return stage.__subclasses__()

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of this kind, as the settings have them."""
        return get_args(cls.model_fields[cls.choice].annotation)

    @classmethod
    def check_choice(cls, data: dict[str, Any]) -> None:
        """Refuse a name that names no kind; the kinds with names of their own need not look."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_other_kinds_use(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, dict):
            return data
        cls.check_choice(data)
        elsewhere = {
            name: users
            for name in data
            if name not in cls.model_fields and (users := _users(cls, name))
        }
        if is_stored(info):
            return {name: value for name, value in data.items() if name not in elsewhere}
        if elsewhere:
            messages = [_not_used(cls, data, name, users) for name, users in elsewhere.items()]
            raise PydanticCustomError(UNUSED, "{message}", {"message": "; ".join(messages)})
        return data


def _told(name: str, value: object) -> str:
    """Return a setting with its value, of a whole table the first value that was set."""
    if isinstance(value, Frozen):
        first = next(iter(value.model_fields_set), None)
        return f"[{name}]" if first is None else _told(f"{name}.{first}", getattr(value, first))
    return f"{name} = {shown(name.rpartition('.')[2], value)}"


def _users(cls: type[Kind], field: str) -> list[str]:
    return [name for kind in cls.kinds() if field in kind.model_fields for name in kind.names()]


def _not_used(cls: type[Kind], data: dict[str, Any], name: str, users: list[str]) -> str:
    kind = data.get(cls.choice, cls.model_fields[cls.choice].default)
    told = (
        f"{cls.stage}.{name} = {shown(name, data[name])} is not used by {cls.choice} = {kind!r}; "
        f"it is by {', '.join(map(repr, users))}"
    )
    hint = cls.hints.get(name, "")
    return f"{told}{'' if cls.choice in data else f': name the {cls.choice}'}{hint}"


def chosen_by(
    choice: str, default: str, known: tuple[str, ...], *, other: str | None = None
) -> Discriminator:
    """Return what tells pydantic the kind of plain data or of an instance.

    ``other`` is the tag of every name that is not ``known``; None: they are refused.
    """

    def tag(value: Any) -> str | None:
        named = value.get(choice, default) if isinstance(value, dict) else default
        kind = getattr(value, choice, named)
        return kind if kind in known else other

    return Discriminator(
        tag,
        custom_error_type=UNKNOWN_KIND,
        custom_error_message=f"{choice} is one of {', '.join(map(repr, known))}",
    )
