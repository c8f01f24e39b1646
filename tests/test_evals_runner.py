"""The runner: what misbehaves costs its own episode, with one line that says why."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from microturn.evals.runner import RunConfig, run
from microturn.evals.sources import SourceConfig, open_source
from microturn.evals.systems import SYSTEMS, check_name, open_system
from tests.eval_stand import FAULTS, tone_source

SOURCE = "python:tests.eval_stand:tone_source"
BAD = "python:tests.eval_stand:misbehaving"


def config(root: Path, system: str, **more: object) -> RunConfig:
    source = SourceConfig(SOURCE, root, groups=("refusal",))
    return RunConfig(system, source, **{"workers": 0, "limit": 1, "vad": "energy"} | more)


def test_processes_that_hang_or_die_cost_one_episode_each(tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    played, _ = run(
        config(tmp_path, BAD, workers=1, limit=len(FAULTS), timeout_s=3.0),
        lambda num, total, one: seen.append((num, total, one.status)),
    )
    statuses = [one.status for one in played]
    assert statuses == ["played", "failed", "failed", "failed", "timeout", "died"]
    reasons = [one.reason for one in played]
    assert "4799" in reasons[1] and "want 4800" in reasons[1] and "4801" in reasons[2]
    assert reasons[3] == "RuntimeError: out of memory", "one line"
    assert reasons[4] == "no answer within 3 s" and "exit code 7" in reasons[5]
    assert len(seen) == len(FAULTS) and seen[-1][:2] == (6, 6)


def test_a_model_is_played_the_same_each_time(tmp_path: Path, model_folder: Path) -> None:
    (first,), _ = run(config(tmp_path / "a", f"model:{model_folder}"))
    (again,), _ = run(config(tmp_path / "b", f"model:{model_folder}"))
    assert first.status == "played" and first.trace is not None, first.reason
    assert first.scores == again.scores
    assert any(tick.heard is not None for tick in first.trace.ticks)
    assert any(score.metric == "heard" for score in first.scores)


def test_what_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    broken = "python:tests.eval_stand:unopenable"
    with pytest.raises(ValueError, match="no weights here"):
        run(config(tmp_path, broken))
    with pytest.raises(ValueError, match="no system 'modle'; there are model, silent"):
        check_name("modle")
    with pytest.raises(ValueError, match=r"want python:package\.module:function"):
        open_system("python:tests.eval_stand:nothing")
    with pytest.raises(ValueError, match="files:DIR needs a folder"):
        open_system(f"files:{tmp_path / 'none'}")
    with pytest.raises(ValueError, match="no benchmark 'fdb'"):
        open_source(SourceConfig("fdb"))


def test_when_the_time_is_up_no_episode_is_begun(tmp_path: Path) -> None:
    played, _ = run(config(tmp_path, "silent", workers=1, budget_s=0.0, limit=2))
    assert [one.status for one in played] == ["not_played", "not_played"]


def test_answers_in_files_are_measured(tmp_path: Path) -> None:
    (job,) = tone_source(SourceConfig(root=tmp_path, groups=("refusal",))).jobs(1)
    folder = tmp_path / "answers" / job.id.replace("/", "_")
    folder.mkdir(parents=True)
    made, _ = run(config(tmp_path, "oracle", sounds=tmp_path / "sounds"))
    (sound,) = (tmp_path / "sounds").glob("*.wav")
    shutil.copy(sound, folder / "output.wav")
    played, _ = run(config(tmp_path, f"files:{tmp_path / 'answers'}"))
    responses = [
        [s.value for s in one.scores if s.metric == "response"] for one in (made[0], played[0])
    ]
    assert responses[0] == responses[1] == [1.0]
    (failed,), _ = run(config(tmp_path, f"files:{tmp_path / 'sounds'}"))
    assert failed.status == "failed" and "no answer to refusal/refusal/0/clean" in failed.reason


def test_all_systems_of_the_table_open() -> None:
    for name in set(SYSTEMS) - {"model", "files", "python"}:
        if SYSTEMS[name].__name__ == "open_scripted":
            assert open_system(name).name.startswith(name)
