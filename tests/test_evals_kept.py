"""What was played once counts again only for the same weights and the same episodes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from microturn.evals.kept import PLAYED, Kept, fingerprint, key_of, still_valid
from microturn.evals.runner import Played, RunConfig, run
from microturn.evals.sources import SourceConfig

SOURCE = "python:tests.eval_stand:tone_source"


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunConfig, list[Played]]:
    root = tmp_path_factory.mktemp("kept")
    source = SourceConfig(SOURCE, root, groups=("knowledge",))
    config = RunConfig("oracle", source, workers=0, limit=1, vad="energy")
    return config, run(config)[0]


def filled(folder: Path, config: RunConfig, played: list[Played]) -> Kept:
    kept = Kept(folder, key_of(config))
    kept.begin({})
    for one in played:
        kept.add(one)
    return kept


def test_results_come_back_as_they_were(
    tmp_path: Path, oracle: tuple[RunConfig, list[Played]]
) -> None:
    config, played = oracle
    kept = filled(tmp_path, config, played)
    kept.add(Played("knowledge/facts/9/clean", "not_played", "the time was up"))
    found = kept.read()
    assert list(found) == [one.id for one in played], "what was not played is not kept"
    for one in played:
        assert found[one.id].trace == one.trace and found[one.id].took_s == one.took_s > 0
        assert [s.value for s in found[one.id].scores] == [s.value for s in one.scores]


def test_a_line_that_was_cut_off_is_left_out_and_damage_is_told(
    tmp_path: Path, oracle: tuple[RunConfig, list[Played]]
) -> None:
    config, played = oracle
    kept = filled(tmp_path, config, played)
    text = (tmp_path / PLAYED).read_text(encoding="utf-8")
    (tmp_path / PLAYED).write_text(text[:-40], encoding="utf-8")
    assert list(kept.read()) == [one.id for one in played[:-1]]
    (tmp_path / PLAYED).write_text("{\n" + text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"played\.jsonl, line 1"):
        kept.read()


def test_another_seed_voice_or_detector_is_another_run(
    tmp_path: Path, oracle: tuple[RunConfig, list[Played]]
) -> None:
    config, played = oracle
    filled(tmp_path, config, played)
    others = (
        replace(config, seed=1),
        replace(config, vad="silero"),
        replace(config, source=replace(config.source, voices="kokoro")),
        replace(config, system="echo"),
    )
    assert all(Kept(tmp_path, key_of(other)).read() == {} for other in others)
    assert Kept(tmp_path, key_of(config)).read(), "and the same is the same"


def test_other_weights_are_another_system(tmp_path: Path, model_folder: Path) -> None:
    copied = tmp_path / "m"
    shutil.copytree(model_folder, copied)
    before = fingerprint(copied)
    assert before == fingerprint(model_folder)
    key = key_of(RunConfig(f"model:{copied}"))
    data = bytearray((copied / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (copied / "model.safetensors").write_bytes(bytes(data))
    assert fingerprint(copied) != before
    assert key_of(RunConfig(f"model:{copied}")) != key
    with pytest.raises(ValueError, match="no model 'nowhere'"):
        key_of(RunConfig("model:nowhere"))


def test_episodes_that_are_made_otherwise_are_played_again(
    tmp_path: Path, oracle: tuple[RunConfig, list[Played]]
) -> None:
    config, played = oracle
    from microturn.evals.sources import open_source

    source = open_source(config.source)
    jobs = source.jobs(config.limit)
    kept = filled(tmp_path, config, played).read()
    valid = still_valid(kept, jobs, source, source.episode)
    assert list(valid) == [one.id for one in played]
    first = played[0].id

    def changed(job: object) -> object:
        episode = source.episode(job)
        is_first = episode.id == first
        return replace(episode, raw=episode.raw | {"made": "otherwise"}) if is_first else episode

    assert first not in still_valid(kept, jobs, source, changed)  # type: ignore[arg-type]
    failed = {first: Played(first, "failed", "x")}
    assert still_valid(failed, jobs, source, source.episode) == {}, "failures get another chance"


def test_rules_are_applied_anew_and_judgements_stay(
    tmp_path: Path, oracle: tuple[RunConfig, list[Played]]
) -> None:
    config, played = oracle
    from microturn.evals.sources import open_source

    source = open_source(config.source)
    jobs = source.jobs(config.limit)
    kept = filled(tmp_path, config, played)
    lines = (tmp_path / PLAYED).read_text(encoding="utf-8").splitlines()
    first = json.loads(lines[0])
    first["scores"] = [
        {"episode": first["id"], "metric": "spoken", "value": 0.25, "outcome": "wrong",
         "grader": "judge:w"},
        {"episode": first["id"], "metric": "right", "value": 0.0, "outcome": "wrong",
         "grader": "rule:v1"},
    ]  # fmt: skip
    (tmp_path / PLAYED).write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n")
    found = still_valid(kept.read(), jobs, source, source.episode)[played[0].id]
    values = {(s.metric, s.value) for s in found.scores}
    assert ("spoken", 0.25) in values and ("right", 1.0) in values
    assert ("right", 0.0) not in values
