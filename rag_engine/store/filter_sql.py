"""Compiles the typed filter tree to a condition over the catalogue's tables.

Every key and value becomes a bound parameter; none is ever written into the SQL text.
"""

from __future__ import annotations

from rag_engine.filters import CHUNK_KEYS, And, Equals, Filter, In, Not, Range
from rag_engine.records import MetadataValue
from rag_engine.store.database import Dialect

__all__ = ["Parameter", "compile_filter", "field_kind"]

Parameter = str | int | float | None

_OF_CHUNK = {"language": "c.language", "page": "c.page"}
_OF_DOCUMENT = {"document_id": "id", "source": "source", "title": "title"}


def field_kind(value: MetadataValue) -> str:
    """Tell the kind of a metadata value: ``t`` text, ``n`` number, ``b`` boolean.

    >>> [field_kind(value) for value in ("1", 1, 1.0, True)]
    ['t', 'n', 'n', 'b']
    """
    if isinstance(value, bool):
        return "b"
    return "t" if isinstance(value, str) else "n"


def compile_filter(node: Filter, dialect: Dialect) -> tuple[str, list[Parameter]]:
    """Return a condition over ``chunk AS c`` and its parameters.

    What is too large for one statement, ``filter_parts`` divides before. Only such indexes are
    read of which ``row_sets`` sees that they are whole.

    >>> from rag_engine.store.sqlite_dialect import SQLITE
    >>> compile_filter(Equals("language", "de"), SQLITE)
    ('c.language = ?', ['de'])
    """
    if isinstance(node, Equals):
        return _one_of(node.key, (node.value,), dialect)
    if isinstance(node, In):
        return _one_of(node.key, node.values, dialect)
    if isinstance(node, Range):
        return _range(node, dialect)
    if isinstance(node, Not):
        condition, parameters = compile_filter(node.part, dialect)
        # A missing page is NULL, and NOT NULL would be NULL: IS NOT TRUE keeps it two-valued.
        return f"(({condition}) IS NOT TRUE)", parameters
    compiled = [compile_filter(part, dialect) for part in node.parts]
    if not compiled:
        return ("TRUE" if isinstance(node, And) else "FALSE"), []
    glue = " AND " if isinstance(node, And) else " OR "
    return (
        "(" + glue.join(condition for condition, _ in compiled) + ")",
        [parameter for _, parameters in compiled for parameter in parameters],
    )


def _one_of(
    key: str, values: tuple[MetadataValue, ...], dialect: Dialect
) -> tuple[str, list[Parameter]]:
    if key in CHUNK_KEYS:
        kind = "n" if key == "page" else "t"
        fitting: list[Parameter] = [value for value in values if field_kind(value) == kind]
        if not fitting:
            return "FALSE", []
        if key in _OF_CHUNK:
            return f"{_OF_CHUNK[key]} {_equals(len(fitting))}", fitting
        by_index = "" if key == "document_id" else dialect.by_index("document_filter")
        numbers = f"SELECT d.number FROM document AS d{by_index} WHERE d.{_OF_DOCUMENT[key]}"
        return f"c.document IN ({numbers} {_equals(len(fitting))})", fitting
    clauses = []
    parameters: list[Parameter] = []
    for kind in ("t", "n", "b"):
        same_kind = [value for value in values if field_kind(value) == kind]
        if same_kind:
            column = dialect.field_operand(kind)
            clauses.append(f"(f.kind = '{kind}' AND {column} {_equals(len(same_kind))})")
            parameters.extend(same_kind)
    return _field_clause(" OR ".join(clauses) or "FALSE", key, parameters, dialect)


def _range(node: Range, dialect: Dialect) -> tuple[str, list[Parameter]]:
    bounds = [("<=", node.maximum), (">=", node.minimum)]
    stated = [(operator, bound) for operator, bound in bounds if bound is not None]
    parameters: list[Parameter] = [bound for _, bound in stated]
    if node.key in CHUNK_KEYS:
        if node.key != "page":
            return "FALSE", []
        conditions = ["c.page IS NOT NULL", *(f"c.page {operator} ?" for operator, _ in stated)]
        return "(" + " AND ".join(conditions) + ")", parameters
    column = dialect.field_operand("n")
    conditions = ["f.kind = 'n'", *(f"{column} {operator} ?" for operator, _ in stated)]
    return _field_clause(" AND ".join(conditions), node.key, parameters, dialect)


def _field_clause(
    condition: str, key: str, parameters: list[Parameter], dialect: Dialect
) -> tuple[str, list[Parameter]]:
    return (
        f"c.document IN (SELECT f.document FROM field AS f{dialect.by_index('field_value')} "
        f"WHERE f.key = ? AND ({condition}))",
        [key, *parameters],
    )


def _equals(count: int) -> str:
    return "= ?" if count == 1 else f"IN ({', '.join('?' * count)})"
