"""Imports go only downward (docs/architecture.md); lazy imports count too."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "microturn"
RANKS = {
    "turns": 0,
    "processor": 0,
    "signal": 1,
    "sequence": 2,
    "model": 3,
    "data": 3,
    "scenarios": 3,
    "presets": 4,
    "checkpoint": 4,
    "published": 4,
    "trace": 4,
    "sampled": 4,
    "engine": 5,
    "agent": 5,
    "train": 5,
    "server": 6,
    "evals": 6,
    "cli": 7,
    "doctor": 7,
}
# Parts of one rank that may know each other, and one name that lies higher than its reader.
ALLOWED = {
    ("scenarios", "data"),  # a skill lays events on a `Talk`
    ("data", "scenarios"),  # the loader lists the skills
    ("checkpoint", "published"),
    ("signal", "sequence"),  # shapes and marker names only: see test_signal_takes_names_only
    ("cli", "doctor"),
}
NAMES_OF_THE_ORDER = {"Markers", "NUM_FINE_FRAMES", "NUM_MEL_BINS", "PATCH_SHAPE"}
ONLY_IN = {  # package -> parts that may import it
    "asyncio": {"server", "agent"},
    "starlette": {"server"},
    "uvicorn": {"server"},
    "websockets": {"server", "agent", "evals"},
    "pydantic_ai": {"agent"},
    "tyro": {"cli", "evals", "train", "data"},
    "transformers": set(),  # but see ONLY_FILE
    "openai": {"agent", "evals"},
}
ONLY_FILE = {  # what a measurement is made beside
    "transformers": "engine/peers.py",
    "asyncio": "engine/peer_vllm.py",  # it runs in another environment and imports nothing of ours
}
MODEL_MAY_IMPORT = {
    "__future__", "collections", "contextlib", "dataclasses", "functools", "itertools", "math",
    "microturn", "torch", "triton", "typing",
}  # fmt: skip


def part_of(path: Path) -> str:
    """The folder or root module that a file belongs to; `cli_*.py` is part of `cli`."""
    name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "cli" if name.startswith("cli_") or name == "__main__" else name


def imports(source: str) -> list[tuple[str, tuple[str, ...]]]:
    """Dotted modules that a source imports, with the names taken from them."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = tuple(alias.name for alias in node.names)
            if node.module == "microturn":
                found += [(f"microturn.{name}", ()) for name in names if name in RANKS]
            else:
                found.append((node.module or "", names))
    return found


def upward(part: str, source: str) -> list[str]:
    """Imports of our own that do not go down."""
    bad = []
    for module, _ in imports(source):
        if module.startswith("microturn."):
            target = module.split(".")[1]
            target = "cli" if target.startswith("cli_") else target
            is_down = target == part or RANKS[target] < RANKS[part]
            if not is_down and (part, target) not in ALLOWED:
                bad.append(f"{part} -> {module}")
    return bad


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    assert part_of(path) in RANKS, f"{path.name} has no rank: add it here and to the architecture"
    assert upward(part_of(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_packages_stay_where_they_belong(path: Path) -> None:
    part = part_of(path)
    for module, _ in imports(path.read_text(encoding="utf-8")):
        package = module.split(".")[0]
        if ONLY_FILE.get(package) == path.relative_to(PACKAGE).as_posix():
            continue
        assert part in ONLY_IN.get(package, {part}), f"{part} must not import {package}"
        if part == "model":
            assert package in MODEL_MAY_IMPORT, f"a model file is mathematics only, not {package}"


def test_signal_takes_names_only() -> None:
    for path in (PACKAGE / "signal").glob("*.py"):
        for module, names in imports(path.read_text(encoding="utf-8")):
            if module == "microturn.sequence":
                assert set(names) <= NAMES_OF_THE_ORDER, f"{path.name} takes {names}"


def test_document_and_ranks_agree() -> None:
    table = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| (.+?) \|", table, re.MULTILINE)
    assert rows
    for rank, parts in rows:
        for part in re.findall(r"`([\w./]+?)(?:\.py|/)`", parts):
            assert RANKS.get(part) == int(rank), f"{part} has rank {rank} in the architecture"


def test_the_check_sees_an_import_upward() -> None:
    lazy = "def f():\n    from microturn.engine.engine import Engine\n"
    assert upward("model", lazy) == ["model -> microturn.engine.engine"]
    assert upward("model", "import microturn.data.pack") == ["model -> microturn.data.pack"]
    assert upward("model", "from microturn import presets") == ["model -> microturn.presets"]
    assert upward("engine", "from microturn.model.model import InteractionModel") == []
