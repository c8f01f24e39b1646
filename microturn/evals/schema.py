"""Frozen dataclasses to JSON and back, strictly, and the JSON schema that says the same.

A field with a default may be missing; a field equal to its default is not written, except
`schema`. Tuples are arrays. What is wrong is named by its path: `segments[3].t1 must be int`.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
ALWAYS_WRITTEN = "schema"

T = TypeVar("T")


@cache
def hints(cls: type) -> dict[str, Any]:
    """The types of a dataclass's fields, by name."""
    return get_type_hints(cls)


def has_default(field: dataclasses.Field[Any]) -> bool:
    """Whether the field may be missing."""
    return not (
        field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    )


def default_of(field: dataclasses.Field[Any]) -> Any:
    """The field's default, or MISSING."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def name_of(hint: Any) -> str:
    """A type as an error message says it."""
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(name_of(part) for part in get_args(hint))
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(repr(value) for value in get_args(hint))
    if get_origin(hint) is tuple:
        parts = get_args(hint)
        if parts[-1] is Ellipsis:
            return f"a list of {name_of(parts[0])}"
        return "[" + ", ".join(name_of(part) for part in parts) + "]"
    if dataclasses.is_dataclass(hint) or get_origin(hint) is dict:
        return "object"
    return "null" if hint is type(None) else getattr(hint, "__name__", str(hint))


def to_json(value: Any) -> Any:
    """A dataclass as plain JSON values, without what equals its default."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_json(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.name == ALWAYS_WRITTEN or getattr(value, field.name) != default_of(field)
        }
    if isinstance(value, (tuple, list)):
        return [to_json(part) for part in value]
    if isinstance(value, dict):
        return {key: to_json(part) for key, part in value.items()}
    return value


def from_json(hint: Any, value: Any, where: str = "") -> Any:
    """JSON values as the type `hint`. Raises ValueError with the path of the first fault."""
    if hint is Any:
        return value
    origin = get_origin(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return record_from(hint, value, where)
    if origin in (Union, types.UnionType):
        return union_from(hint, value, where)
    if origin is Literal:
        if value not in get_args(hint) or isinstance(value, bool):
            raise fault(where, hint, value)
        return value
    if origin is tuple:
        return tuple_from(hint, value, where)
    if origin is dict:
        if not isinstance(value, dict):
            raise fault(where, hint, value)
        part = get_args(hint)[1]
        return {key: from_json(part, entry, f"{where}.{key}") for key, entry in value.items()}
    assert isinstance(hint, type)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise fault(where, hint, value)
    return value


def fault(where: str, hint: Any, value: Any) -> ValueError:
    """One line that says what stood there."""
    shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "..."
    return ValueError(f"{where or 'record'} must be {name_of(hint)}, got {shown}")


def record_from(cls: type, value: Any, where: str) -> Any:
    """A JSON object as a dataclass; unknown and missing keys are errors."""
    if not isinstance(value, dict):
        raise fault(where, cls, value)
    known = {field.name: field for field in dataclasses.fields(cls)}
    label = where or cls.__name__
    for key in value:
        if key not in known:
            raise ValueError(f"{label} has the unknown key {key!r}; known: {', '.join(known)}")
    for name, field in known.items():
        if name not in value and not has_default(field):
            raise ValueError(f"{label} lacks the key {name!r}")
    prefix = f"{where}." if where else ""
    types_of = hints(cls)
    values = {key: from_json(types_of[key], part, prefix + key) for key, part in value.items()}
    try:
        return cls(**values)
    except ValueError as error:
        raise ValueError(f"{where}: {error}" if where else str(error)) from error


def union_from(hint: Any, value: Any, where: str) -> Any:
    """The first alternative that takes the value; the fault of a lone real alternative is kept."""
    real = [part for part in get_args(hint) if part is not type(None)]
    if value is None and len(real) < len(get_args(hint)):
        return None
    if len(real) == 1:
        return from_json(real[0], value, where)
    for part in real:
        try:
            return from_json(part, value, where)
        except ValueError:
            continue
    raise fault(where, hint, value)


def tuple_from(hint: Any, value: Any, where: str) -> tuple[Any, ...]:
    """A JSON array as a tuple, of any length or of a fixed one."""
    parts = get_args(hint)
    if not isinstance(value, (list, tuple)):
        raise fault(where, hint, value)
    if parts[-1] is Ellipsis:
        parts = (parts[0],) * len(value)
    if len(parts) != len(value):
        raise fault(where, hint, value)
    pairs = zip(parts, value, strict=True)
    return tuple(from_json(part, entry, f"{where}[{i}]") for i, (part, entry) in enumerate(pairs))


# ---- JSON lines


def write_lines(path: Path | str, records: Iterable[Any]) -> None:
    """Write dataclasses, one JSON object a line."""
    with Path(path).open("w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(to_json(record), ensure_ascii=False) + "\n")


def read_lines(cls: type[T], path: Path | str) -> Iterator[T]:
    """Read what `write_lines` wrote. Raises ValueError naming file, line and field."""
    with Path(path).open(encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            if text.strip():
                yield parse(cls, text, f"{path} line {number}")


def parse(cls: type[T], text: str, where: str) -> T:
    """One line of text as a dataclass. Raises ValueError that starts with `where`."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{where} is not JSON: {error}") from error
    try:
        return from_json(cls, value)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


# ---- JSON schema


def json_schema(cls: type) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a dataclass and everything in it."""
    definitions: dict[str, Any] = {}
    schema_of(cls, definitions)
    head = definitions.pop(cls.__name__)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": cls.__name__,
        **head,
        "$defs": dict(sorted(definitions.items())),
    }


def schema_of(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of one type; dataclasses go to `definitions` and are referred to."""
    if hint is Any:
        return {}
    origin, parts = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in definitions:
            definitions[hint.__name__] = {}
            definitions[hint.__name__] = object_schema(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if origin in (Union, types.UnionType):
        return {"anyOf": [schema_of(part, definitions) for part in parts]}
    if origin is Literal:
        return {"enum": list(parts)}
    if origin is tuple and parts[-1] is Ellipsis:
        return {"type": "array", "items": schema_of(parts[0], definitions)}
    if origin is tuple:
        items = [schema_of(part, definitions) for part in parts]
        num = len(items)
        return {"type": "array", "prefixItems": items, "minItems": num, "maxItems": num}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(parts[1], definitions)}
    return {"type": PLAIN[hint]}


def object_schema(cls: type, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of one dataclass, with the first paragraph of its docstring."""
    fields, types_of = dataclasses.fields(cls), hints(cls)
    lines = (cls.__doc__ or "").strip().split("\n\n")[0].split()
    return {
        "description": " ".join(lines),
        "type": "object",
        "properties": {
            field.name: schema_of(types_of[field.name], definitions) for field in fields
        },
        "required": [field.name for field in fields if not has_default(field)],
        "additionalProperties": False,
    }
