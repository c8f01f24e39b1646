"""Budgets of size and names: files and functions stay short, names say what is inside."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 60
MAX_ARGUMENTS = 11  # of a function; what needs more takes a config
VAGUE = {
    "utils",
    "util",
    "helper",
    "helpers",
    "manager",
    "common",
    "base",
    "misc",
    "handler",
    "data_utils",
}
SHAPED = re.compile(r"\b[a-z]\w*_[A-Z]{1,5}\b")
MACHINE_PATHS = re.compile(r"/work/|/opt/|/home/")

PYTHON = sorted(
    path
    for folder in ("microturn", "tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "runs").glob("*")])


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def long_functions(source: str) -> list[str]:
    return [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    ]


def wide_functions(source: str) -> list[str]:
    return [
        f"{node.name}: {len(node.args.args) + len(node.args.kwonlyargs)} arguments"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and len(node.args.args) + len(node.args.kwonlyargs) > MAX_ARGUMENTS
    ]


def lacks_legend(source: str) -> bool:
    """Whether names carry shape letters that the head of the file does not explain."""
    module = ast.parse(source)
    names = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    is_shaped = any(SHAPED.fullmatch(name) for name in names)
    return is_shaped and "Legend:" not in (ast.get_docstring(module) or "")


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_files_and_functions_are_short(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MAX_FILE_LINES
    assert long_functions(source) == []
    assert wide_functions(source) == []


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_files_are_named_by_what_they_hold_and_explained(path: Path) -> None:
    assert path.stem not in VAGUE
    folders = path.relative_to(ROOT).parts[1:-1]
    assert len(folders) <= 1, "one folder level"
    source = path.read_text(encoding="utf-8")
    assert not source or ast.get_docstring(ast.parse(source)), "a file starts by saying what it is"


@pytest.mark.parametrize(
    "path",
    [path for path in PYTHON if path.parent.name in ("model", "signal", "train")],
    ids=name_of,
)
def test_shape_letters_have_a_legend(path: Path) -> None:
    assert not lacks_legend(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", [*PYTHON, *DOCUMENTS], ids=name_of)
def test_nothing_names_a_machine(path: Path) -> None:
    if path != Path(__file__):
        assert MACHINE_PATHS.findall(path.read_text(encoding="utf-8")) == []


def test_the_checks_can_fail() -> None:
    body = "\n".join(f"    x{i} = {i}" for i in range(MAX_FUNCTION_LINES))
    assert long_functions(f"def long():\n{body}\n") == [f"long: {MAX_FUNCTION_LINES + 1} lines"]
    many = ", ".join(f"a{i}" for i in range(MAX_ARGUMENTS + 1))
    assert wide_functions(f"def wide({many}): ...") == [f"wide: {MAX_ARGUMENTS + 1} arguments"]
    assert lacks_legend("x_BSD = 1") and not lacks_legend('"""Legend: B, S, D."""\nx_BSD = 1')
    assert not lacks_legend("MAX_HOURS = n_frames")
