"""Skills, one file each: what is said by whom. A new skill is one new file here.

Each module offers `USER_TEXTS` and `OWN_TEXTS` (what the speech bank must hold) and `play(talk)`,
which lays one exchange down on a `Talk`. `FOREIGN`, where there is one, names the language of texts
that are not English, and how they are spelled for a voice.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Sequence
from types import ModuleType


@functools.cache
def _listed() -> tuple[tuple[str, ModuleType], ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple((name, importlib.import_module(f"{__name__}.{name}")) for name in names)


def families() -> dict[str, ModuleType]:
    """All skills by name, found by listing this folder, once."""
    return dict(_listed())


def texts(side: str, names: Sequence[str] = ()) -> list[str]:
    """Every text that a side may say in the named skills, in all where none is named; each once.

    Raises ValueError for an unknown skill.
    """
    attribute, known = {"user": "USER_TEXTS", "own": "OWN_TEXTS"}[side], families()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no skill {', '.join(unknown)}; there are {', '.join(known)}")
    modules = [known[name] for name in names] or known.values()
    found = [text for module in modules for text in getattr(module, attribute)]
    return list(dict.fromkeys(found))


def foreign_texts() -> dict[str, tuple[str, str]]:
    """Texts of the user that are not English: language, and right spelling for a voice."""
    found: dict[str, tuple[str, str]] = {}
    for module in families().values():
        found |= getattr(module, "FOREIGN", {})
    return found
