"""Full-Duplex-Bench V3: tool calls out of disfluent speech (arXiv 2604.04847).

Written from the published description of the layout; none of its code, prompts or mock tools is
here. What a tool takes is read from the expected calls of the data itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from microturn.evals.data_files import first_there, read_json
from microturn.evals.dataset import Benchmark, Item, folders
from microturn.evals.draft import Draft
from microturn.evals.episode import Call, Setup

DEFINITIONS = "benchmark_data_v2.json"
SAMPLES = "fdb_v3_data_released"
FOLDER = re.compile(r"(?P<id>.+)_(?P<speaker>[0-9a-f]{24})")
ANSWER_MS = 15_000  # calls and answer are waited for so long after the user's last word
GAP_MS = 2000  # a longer silence ends the user's turn
JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}
JSON_TYPES |= {list: "array", dict: "object"}


def items(root: Path) -> Iterator[Item]:
    """Every sample folder; definitions beside or above them, else each sample's own metadata."""
    base = root / SAMPLES if (root / SAMPLES).is_dir() else root
    found = [folder for folder in folders(base) if FOLDER.fullmatch(folder.name)]
    if not found:
        raise BENCHMARK.wrong(root, f"no sample folders in {base.name}")
    known = definitions(root)
    tools = tool_schemas(list(known.values()))
    for folder in found:
        match = FOLDER.fullmatch(folder.name)
        example = match["id"] if match else folder.name
        facts = known.get(example)
        domain = str(facts.get("domain", "")) if facts else ""
        yield Item(f"fdb_v3/{folder.name}", (folder, facts, tools), subset=domain)


def definitions(root: Path) -> dict[str, dict[str, Any]]:
    """Scenario definitions by id; {} without the file. Raises ValueError for another file."""
    path = first_there(root, DEFINITIONS, f"{SAMPLES}/{DEFINITIONS}", f"../{DEFINITIONS}")
    if path is None:
        return {}
    found = read_json(path)
    rows = list(found.values()) if isinstance(found, dict) else found
    if isinstance(rows, list) and len(rows) == 1 and isinstance(rows[0], list):  # under a name
        rows = rows[0]
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "id" in row for row in rows):
        raise BENCHMARK.wrong(path, "is no list of scenarios with ids")
    return {str(row["id"]): row for row in rows}


def tool_schemas(scenarios: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """A schema for each function that any expected call names, from the arguments it is given."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for row in scenarios:
        calls = row.get("expected_tool_calls")
        for call in calls if isinstance(calls, list) else ():
            args = call.get("args", {}) if isinstance(call, dict) else None
            if isinstance(args, dict) and "function" in call:
                by_name.setdefault(str(call["function"]), []).append(args)
    return tuple(schema(name, given) for name, given in sorted(by_name.items()))


def schema(name: str, given: list[dict[str, Any]]) -> dict[str, Any]:
    """The JSON schema of one function."""
    properties: dict[str, Any] = {}
    for args in given:
        for key, value in args.items():
            if not (isinstance(value, str) and value.startswith("$")):
                properties[key] = {"type": JSON_TYPES.get(type(value), "string")}
            properties.setdefault(key, {})
    always = [key for key in properties if all(key in args for args in given)]
    parameters = {"type": "object", "properties": properties, "required": always}
    return {"type": "function", "name": name, "parameters": parameters}


def fill(
    draft: Draft, data: tuple[Path, dict[str, Any] | None, tuple[dict[str, Any], ...]]
) -> None:
    """One sample: the user's sound, the tools, the calls and the reply that are expected."""
    folder, facts, tools = data
    path = folder / "input.wav"
    draft.audio(path)
    own = read_json(folder / "metadata.json") if (folder / "metadata.json").is_file() else None
    draft.annotation = {"definition": facts, "metadata": own}
    if own is None:
        draft.problem("metadata.json is not there")
    facts = facts or own
    if facts is None:
        raise ValueError(f"neither {DEFINITIONS} nor metadata.json defines this example")
    draft.system = Setup(tools=tools or tool_schemas([facts]))
    add_turn(draft, path, facts)
    calls = tuple(
        Call(str(call["function"]), dict(call.get("args") or {}))
        for call in facts["expected_tool_calls"]
    )
    if calls:
        draft.expect("tools", calls=calls)
    else:
        draft.problem("no calls are expected")
    replies = [turn["ai"] for turn in facts.get("dialogue") or () if turn.get("ai")]
    if replies:
        criterion = f"The reply says, in other words or the same, what this one says: {replies[-1]}"
        draft.expect("rubric", criteria=(criterion,))


def add_turn(draft: Draft, path: Path, facts: dict[str, Any]) -> None:
    """The user's turn ends, by energy, before the first silence of more than 2 s."""
    spoken = draft.speech(path)
    turn = spoken[:1]
    for before, after in pairwise(spoken):
        if after[0] - before[1] > GAP_MS:
            break
        turn.append(after)
    span = (turn[0][0], turn[-1][1]) if turn else (0, draft.duration_ms)
    if not turn:
        draft.problem("no sound was found in the input: its whole length counts as the turn")
    said = [part["user"] for part in facts.get("dialogue") or () if part.get("user")]
    text = " ".join(said) or None
    draft.segment("u0", "user", span, "speech", text=text, label="energy" if turn else None)
    draft.expect("respond", on="u0", window=(span[1], span[1] + ANSWER_MS))
    draft.tail_ms = max(0, span[1] + ANSWER_MS - draft.duration_ms)


BENCHMARK = Benchmark(
    name="fdb_v3",
    title="Full-Duplex-Bench V3",
    license="CC BY-NC 4.0",
    place="the download named in v3/README.md of DanielLin94144/Full-Duplex-Bench (GitHub)",
    layout=f"{SAMPLES}/<example>_<speaker>/input.wav with metadata.json, and {DEFINITIONS}",
    items=items,
    fill=fill,
    rates_hz=(48_000,),
    grading="exact; response quality needs a judge",
)
