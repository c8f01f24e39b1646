"""What a system has played so far, kept in its folder as it comes: a long run that was stopped goes
on where it stood.

What was kept counts only for the same weights, voices, seed and detector (`key_of`), and only for
episodes that are still made the same. Scores are computed again, except a judge's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from microturn.evals.episode import Episode
from microturn.evals.runner import Played, RunConfig, job_id
from microturn.evals.schema import parse, to_json
from microturn.evals.sources import Source

KEY, PLAYED = "key.json", "played.jsonl"
MODEL = "model:"


def fingerprint(folder: Path) -> str:
    """A hash of all weights and settings of a model folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".safetensors"):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def key_of(config: RunConfig) -> dict[str, Any]:
    """What must be the same for a result to count again. Raises ValueError for an unknown model."""
    key: dict[str, Any] = {
        "system": config.system,
        "seed": config.seed,
        "vad": config.vad,
        "dataset": config.source.dataset,
        "episodes": config.source.seed,
        "voices": config.source.voices,
        "bank": [str(path) for path in config.source.bank],
    }
    if config.system.startswith(MODEL):
        from microturn.engine.load import model_folder
        from microturn.evals.systems import model_and_weights

        name, _ = model_and_weights(config.system.removeprefix(MODEL))
        key["weights"] = fingerprint(model_folder(name))
    return key


@dataclass(frozen=True)
class Kept:
    """The results of one system in a folder, a line each; the last line of an episode counts."""

    folder: Path
    key: dict[str, Any]

    def read(self) -> dict[str, Played]:
        """What was played with this key; a line that was not written to its end is left out."""
        key, played = self.folder / KEY, self.folder / PLAYED
        if not key.is_file() or not played.is_file():
            return {}
        if json.loads(key.read_text(encoding="utf-8")) != self.key:
            return {}
        found: dict[str, Played] = {}
        lines = played.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            try:
                one = parse(Played, line, f"{played}, line {number + 1}")
            except ValueError:
                if number + 1 < len(lines):
                    raise
                continue
            found[one.id] = one
        return found

    def begin(self, results: dict[str, Played]) -> None:
        """Write the folder anew with these results only."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / KEY).write_text(json.dumps(self.key), encoding="utf-8")
        lines = [json.dumps(to_json(one), ensure_ascii=False) + "\n" for one in results.values()]
        (self.folder / PLAYED).write_text("".join(lines), encoding="utf-8")

    def add(self, one: Played) -> None:
        """Keep one more result at once."""
        if one.status != "not_played":
            with (self.folder / PLAYED).open("a", encoding="utf-8") as file:
                file.write(json.dumps(to_json(one), ensure_ascii=False) + "\n")


def still_valid(
    kept: dict[str, Played],
    jobs: list[Any],
    source: Source,
    episode_of: Callable[[Any], Episode],
) -> dict[str, Played]:
    """Of what was kept, the episodes that were played and are still made the same, scored again."""
    found: dict[str, Played] = {}
    for job in jobs:
        one = kept.get(job_id(job))
        if one is None or one.status != "played" or one.episode is None or one.trace is None:
            continue
        if as_stored(episode_of(job)) != to_json(one.episode):
            continue
        judged = [score for score in one.scores if score.grader.startswith("judge:")]
        scores = (*source.score(one.episode, one.trace), *judged)
        found[one.id] = Played(
            one.id, "played", "", one.episode, one.trace, tuple(scores), one.took_s, one.cpu_s
        )
    return found


def as_stored(episode: Episode) -> Any:
    """An episode as it looks when it comes back from disk."""
    return json.loads(json.dumps(to_json(episode)))
