"""Documents do not drift: paths, functions, commands and options that they name exist."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

from microturn import cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
TARGETS = set(re.findall(r"^([\w./$()-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
PATH = re.compile(r"(?:microturn|tests|docs|runs|web|benchmarks)/[\w./-]*[\w/]")
COMMANDS = {"run", "serve", "doctor", "synth", "look", "train", "bench", "bank", "data", "eval"}
GROUPS_OF_COMMANDS = {"eval", "data", "bank"}  # their second word is a command of its own
UNMADE = ("out/",)  # what commands write


def code_lines(text: str) -> list[str]:
    """Lines of shell blocks, without comments."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def mapped_paths(text: str) -> list[str]:
    """Paths of the map: indented names belong to the folder above them."""
    block = text.split("```text\n")[1].split("```")[0]
    paths, folder = [], ""
    for line in block.splitlines():
        name = line.split()[0]
        if line.startswith(" "):
            paths.append(folder + name)
        else:
            paths.append(name)
            folder = name if name.endswith("/") else ""
    return paths


def commands_in(text: str) -> list[list[str]]:
    """Every call of `microturn ...` with its options, in blocks and in running text."""
    inline = [found for found in re.findall(r"`([^`\n]+)`", text) if found.startswith("microturn ")]
    calls = [line for line in code_lines(text) if line.startswith("microturn ")]
    return [shlex.split(call)[1:] for call in inline + calls]


def defined_names(path: Path) -> set[str]:
    """Functions, classes and `Class.method` of a file."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{part.name}" for part in node.body if hasattr(part, "name")}
    return names


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_paths_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text)]
    for link in links:
        assert link.startswith("https://") or (path.parent / link).exists(), link
    for name in PATH.findall(text):
        assert (ROOT / name).exists(), name


def test_the_map_is_the_tree() -> None:
    paths = mapped_paths(README)
    assert len(paths) > 15
    for name in paths:
        assert (ROOT / name).exists(), name
    folders = {path for path in (ROOT / "microturn").iterdir() if list(path.glob("*.py"))}
    for folder in folders:
        assert f"microturn/{folder.name}/" in paths, f"the map lacks {folder.name}/"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_commands_exist(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for call in commands_in(path.read_text(encoding="utf-8")):
        name = call[0]
        assert name in COMMANDS, call
        with pytest.raises(SystemExit):
            cli.main([*call[: 2 if name in GROUPS_OF_COMMANDS else 1], "--help"])
        known = capsys.readouterr().out
        for option in (word for word in call if word.startswith("--")):
            assert option in known, f"microturn {name} has no {option}"


def test_make_targets_exist() -> None:
    for path in DOCUMENTS:
        for target in re.findall(
            r"(?:`|^)make (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            assert target in TARGETS, target


def test_the_main_path_exists() -> None:
    found = re.findall(r"^- `([\w.]+)` in \[([\w./]+)\]", README, re.MULTILINE)
    assert len(found) == 4
    for name, path in found:
        assert name in defined_names(ROOT / path), f"{path} has no {name}"


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 200


def test_the_checks_can_fail() -> None:
    assert commands_in("`microturn fly --high`") == [["fly", "--high"]]
    assert mapped_paths("```text\na/\n  b.py  what\nc  what\n```") == ["a/", "a/b.py", "c"]
    assert PATH.findall("see `microturn/none.py`.") == ["microturn/none.py"]
