"""`--set optim.use_muon=false pack.said_noise=0.2`: any field of a run's config, by name.

Names are paths through nested configs; values are JSON, and what is no JSON is text.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

T = TypeVar("T")


def with_settings(config: T, settings: Iterable[str]) -> T:
    """The config with `NAME=VALUE` applied, in order.

    Raises ValueError for an unknown name, a value of another type, or one that the config refuses.
    """
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ValueError(f"a setting is NAME=VALUE, got {setting!r}")
        config = _with(config, name.split("."), _value(text), name)
    return config


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _with(config: Any, path: list[str], value: Any, name: str) -> Any:
    known = [field.name for field in fields(config)]
    if path[0] not in known:
        close = difflib.get_close_matches(path[0], known, 1)
        hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
        raise ValueError(f"no setting {name}{hint}")
    now = getattr(config, path[0])
    if len(path) > 1:
        if not is_dataclass(now):
            raise ValueError(f"no setting {name}: {path[0]} is a value, not a group of settings")
        return replace(config, **{path[0]: _with(now, path[1:], value, name)})
    if is_dataclass(now):
        inner = ", ".join(f"{path[0]}.{field.name}" for field in fields(now))
        raise ValueError(f"{name} is a group of settings; set one of {inner}")
    return replace(config, **{path[0]: _fitting(now, value, name)})


def _fitting(now: Any, value: Any, name: str) -> Any:
    """The value in the type of the one that is there."""
    if isinstance(now, tuple) and isinstance(value, list):
        return tuple(value)
    if isinstance(now, bool) or isinstance(value, bool):
        is_fit = isinstance(value, bool) and (now is None or isinstance(now, bool))
    elif isinstance(now, int | float):
        is_fit = isinstance(value, int | float)
        is_fit = is_fit and (isinstance(now, float) or isinstance(value, int))
        value = float(value) if is_fit and isinstance(now, float) else value
    else:
        is_fit = now is None or isinstance(value, type(now))
    if not is_fit:
        raise ValueError(f"{name} is {now!r}, a {type(now).__name__}; {value!r} does not fit")
    return value
