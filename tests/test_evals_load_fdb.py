"""Full-Duplex-Bench V1.0 and V1.5 by path: tiny made-up folders in the official layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from eval_media import chunks, load, note, sound

from microturn.evals import scripted
from microturn.evals.catalog import open_set
from microturn.evals.dataset import absent_media, problems
from microturn.evals.metrics import score_all
from microturn.evals.play import play


def fdb_v1(root: Path) -> None:
    base = root / "v1_0"
    words = [{"speaker": 0, "item": chunks(("well", 0.3, 0.6), ("yes", 1.6, 1.9))}]
    for name in ("candor_pause_handling", "synthetic_pause_handling"):
        sound(base / name / "1" / "input.wav", 3.0, 48_000, "FLOAT")
        note(base / name / "1" / "transcription.json", words)
        note(base / name / "1" / "pause.json", [{"text": "[PAUSE]", "timestamp": [0.6, 1.6]}])
    for number in (10, 2):
        sound(base / "candor_turn_taking" / str(number) / "input.wav", 3.0)
        turn = [{"text": "[TURN-TAKING]", "timestamp": [1.9, 2.4]}]
        note(base / "candor_turn_taking" / str(number) / "turn_taking.json", turn)
        note(base / "candor_turn_taking" / str(number) / "transcription.json", words)
    sound(base / "icc_backchannel" / "1" / "input.wav", 3.0)
    note(base / "icc_backchannel" / "1" / "transcription.json", words)
    folder = base / "synthetic_user_interruption" / "1"
    for name in ("input", "context", "interrupt"):
        sound(folder / f"{name}.wav", 12.0 if name == "input" else 2.0)
    facts = {"context": "tell me of bees", "interrupt": "and wasps", "timestamp": [7.275, 9.0]}
    note(folder / "interrupt.json", [facts])


def fdb_v1_5(root: Path) -> None:
    for name in ("user_interruption", "user_backchannel", "talking_to_other", "background_speech"):
        folder = root / "v1_5" / name / "1"
        sound(folder / "input.wav", 9.0)
        sound(folder / "clean_input.wav", 9.0)
        facts = {
            "context_text": "why",
            "current_turn_text": "what about winter weather",
            "timestamps": [5.3, 6.5],
        }
        note(folder / "metadata.json", facts)


def test_all_five_subsets_of_v1(tmp_path: Path) -> None:
    fdb_v1(tmp_path)
    found = load("fdb_v1", tmp_path)
    assert list(found) == [
        "fdb_v1/candor_pause_handling/1",
        "fdb_v1/candor_turn_taking/2",
        "fdb_v1/candor_turn_taking/10",
        "fdb_v1/icc_backchannel/1",
        "fdb_v1/synthetic_pause_handling/1",
        "fdb_v1/synthetic_user_interruption/1",
    ]
    pause = found["fdb_v1/candor_pause_handling/1"]
    assert pause.duration_ms == 3000 and not pause.missing
    assert pause.segment("u0").t0 == 300 and pause.segment("u0").t1 == 1900
    assert pause.segment("u0").words == (("well", 300, 600), ("yes", 1600, 1900))
    assert (pause.segment("p0").t0, pause.segment("p0").t1) == (600, 1600)
    assert [(e.do, e.on) for e in pause.expect] == [("wait", "p0")]
    turn = found["fdb_v1/candor_turn_taking/2"]
    assert turn.segment("u0").t1 == 1900
    assert turn.expect[0].window == (1900, 6900)
    cut_in = found["fdb_v1/synthetic_user_interruption/1"]
    assert cut_in.segment("u1").overlap and cut_in.segment("u1").t0 == 7275
    assert cut_in.segment("u0").t1 == 1300  # the end of the sound of context.wav
    (expect,) = cut_in.expect
    assert expect.do == "yield_then_respond" and expect.window == (7275, 14_000)
    assert cut_in.tracks[0].uri == "v1_0/synthetic_user_interruption/1/input.wav"
    assert cut_in.raw["annotation"]["interrupt"][0]["interrupt"] == "and wasps"
    backchannel = found["fdb_v1/icc_backchannel/1"]
    assert backchannel.expect == () and backchannel.raw["subset"] == "icc_backchannel"


def test_four_scenarios_of_v1_5(tmp_path: Path) -> None:
    fdb_v1_5(tmp_path)
    found = load("fdb_v1_5", tmp_path)
    wanted = {e.raw["subset"]: (e.segment("u1").kind, e.expect[1].do) for e in found.values()}
    assert wanted == {
        "user_interruption": ("speech", "yield_then_respond"),
        "user_backchannel": ("backchannel", "continue"),
        "talking_to_other": ("aside", "ignore"),
        "background_speech": ("background", "ignore"),
    }
    episode = found["fdb_v1_5/background_speech/1"]
    assert episode.segment("u1").role == "world"
    assert episode.segment("u0").label == "energy" and episode.segment("u0").t1 == 1300
    assert episode.expect[0].window == (1300, 5300)
    note(
        tmp_path / "v1_5/background_speech/1/input.json",
        {"chunks": chunks(("why", 0.4, 0.9), ("and", 5.4, 5.6))},
    )
    again = load("fdb_v1_5", tmp_path, ids=["fdb_v1_5/background_speech/1"])
    episode = again["fdb_v1_5/background_speech/1"]
    assert episode.segment("u0").label is None and episode.segment("u0").t1 == 900
    assert episode.segment("u1").words == (("and", 5400, 5600),)


def test_choosing(tmp_path: Path) -> None:
    fdb_v1(tmp_path)
    assert len(load("fdb_v1", tmp_path, limit=2)) == 2
    some = open_set("fdb_v1", tmp_path, ("icc_backchannel",)).episodes()
    assert [episode.raw["subset"] for episode in some] == ["icc_backchannel"]
    with pytest.raises(ValueError, match="no item nobody"):
        load("fdb_v1", tmp_path, ids=["nobody"])
    with pytest.raises(ValueError, match=r"nothing for 'train' \(there is: candor_pause"):
        load("fdb_v1", tmp_path, split="train")


def test_the_wrong_folder_says_where_to_get_the_data(tmp_path: Path) -> None:
    for name in ("fdb_v1", "fdb_v1_5"):
        with pytest.raises(ValueError, match=f"{name} wants v1_.*get it from .*Full-Duplex-Bench"):
            load(name, tmp_path)
    with pytest.raises(ValueError, match="no such folder"):
        load("fdb_v1", tmp_path / "nowhere")


def test_damage_is_written_into_the_episode(tmp_path: Path) -> None:
    fdb_v1(tmp_path)
    base = tmp_path / "v1_0"
    (base / "candor_turn_taking/2/turn_taking.json").write_text("{")
    note(base / "candor_turn_taking/10/turn_taking.json", [{"text": "[TURN-TAKING]"}])
    note(base / "candor_pause_handling/1/pause.json", [{"text": "[PAUSE]", "timestamp": [9, 10]}])
    sound(base / "synthetic_pause_handling/1/input.wav", 3.0, 22_050)
    (base / "icc_backchannel/1/transcription.json").unlink()
    found = load("fdb_v1", tmp_path)
    assert len(found) == 6
    said = {id: " ".join(problems(episode)) for id, episode in found.items()}
    assert "turn_taking.json is damaged" in said["fdb_v1/candor_turn_taking/2"]
    assert "the key 'timestamp' is absent" in said["fdb_v1/candor_turn_taking/10"]
    assert found["fdb_v1/candor_turn_taking/10"].missing
    assert "p0 begins at 9000 ms" in said["fdb_v1/candor_pause_handling/1"]
    assert found["fdb_v1/candor_pause_handling/1"].expect == ()
    assert "22050 Hz" in said["fdb_v1/synthetic_pause_handling/1"]
    assert not found["fdb_v1/synthetic_pause_handling/1"].missing
    assert "no transcription.json" in said["fdb_v1/icc_backchannel/1"]
    assert said["fdb_v1/synthetic_user_interruption/1"] == (
        "no transcription.json: the user's words are not known"
    )


def test_media_that_cannot_be_played_are_listed(tmp_path: Path) -> None:
    fdb_v1_5(tmp_path)
    base = tmp_path / "v1_5"
    (base / "user_interruption/1/input.wav").unlink()
    sound(base / "user_backchannel/1/input.wav", 0.0)
    (base / "talking_to_other/1/input.wav").write_bytes(b"no sound")
    soundfile.write(base / "background_speech/1/input.wav", np.zeros((800, 2)), 16_000)
    found = list(open_set("fdb_v1_5", tmp_path).episodes())
    assert len(found) == 4 and all(episode.missing for episode in found)
    said = [problems(episode)[0] for episode in found]
    assert said[0].endswith("is not there") and said[1].endswith("has no samples")
    assert said[2].endswith("is damaged or no sound file") and "2 channels" in said[3]
    assert len(absent_media(found)) == 4
    assert all(episode.segment("u1").t1 == 6500 for episode in found[:3])


def test_the_oracle_does_what_is_expected_and_silence_does_not(tmp_path: Path) -> None:
    fdb_v1(tmp_path)
    fdb_v1_5(tmp_path)
    seen: dict[str, dict[str, list[float | None]]] = {}
    for name in ("fdb_v1", "fdb_v1_5"):
        for episode in open_set(name, tmp_path).episodes():
            for agent in (scripted.oracle(), scripted.silent()):
                for score in score_all(episode, play(agent, episode, tmp_path)):
                    values = seen.setdefault(score.metric, {})
                    values.setdefault(agent.name, []).append(score.value)
    # None: nothing to yield, or the sound ends before the answer is over
    oracle = {metric: set(values["oracle"]) - {None} for metric, values in seen.items()}
    assert oracle == {
        "pause_takeover": {0},
        "turn_taking": {1.0},
        "yield": {1.0},
        "interruption_takeover": {1},
        "overlap_user_interruption": {1.0},
        "overlap_user_backchannel": {1.0},
        "overlap_talking_to_other": {1.0},
        "overlap_background_speech": {1.0},
    }
    overlaps = [values for metric, values in seen.items() if metric.startswith("overlap")]
    assert all(set(values["silent"]) == {0.0} for values in overlaps)
    assert 1.0 not in seen["turn_taking"]["silent"]
