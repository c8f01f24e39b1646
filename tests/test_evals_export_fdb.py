"""Full-Duplex-Bench's output layout: what is written is what is read; pairing is by name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from eval_media import note, sound

from microturn import cli
from microturn.evals import scripted
from microturn.evals.catalog import open_set
from microturn.evals.export_fdb import export, export_v3, folder_of, provider_name, read_outputs
from microturn.evals.metrics import score_all
from microturn.evals.play import play
from microturn.evals.record import SystemFacts, ToolUse
from microturn.evals.vad import EnergyVad


@pytest.fixture(autouse=True)
def traces(tmp_path: Path) -> None:
    (tmp_path / "traces").mkdir()


TURN = [{"text": "[TURN-TAKING]", "timestamp": [1.3, 1.8]}]


def turns(root: Path, *ids: str) -> None:
    for id in ids:
        folder = root / "v1_0/candor_turn_taking" / id
        sound(folder / "input.wav", 7.0101, 48_000)  # no whole number of ms
        note(folder / "turn_taking.json", TURN)


def test_exported_output_is_as_long_as_the_input_and_scores_the_same(tmp_path: Path) -> None:
    root, out = tmp_path / "in", tmp_path / "out"
    turns(root, "1", "2")
    system = replace(scripted.oracle(), out=tmp_path / "traces")
    pairs = [(e, play(system, e, root)) for e in open_set("fdb_v1", root).episodes()]
    written = export(pairs, tmp_path / "traces", out, root)
    assert written == [out / "v1_0/candor_turn_taking" / id for id in ("1", "2")]
    info = soundfile.info(str(written[0] / "output.wav"))
    assert (info.samplerate, info.channels, info.subtype) == (16_000, 1, "PCM_16")
    assert info.frames == round(7.0101 * 48_000 / 3)
    words = json.loads((written[0] / "output.json").read_text())
    assert words["chunks"] and words["text"].split()[0] == words["chunks"][0]["text"]
    found = read_outputs([e for e, _ in pairs], out, SystemFacts("files"), EnergyVad())
    assert found.absent == {} and len(found.pairs) == 2
    for (episode, trace), (_, again) in zip(pairs, found.pairs, strict=True):
        (score,), (same,) = score_all(episode, trace), score_all(episode, again)
        assert score.value == same.value == 1.0
        assert abs((score.latency_ms or 0) - (same.latency_ms or 0)) <= 2


def test_outputs_made_elsewhere_are_paired_by_name(tmp_path: Path) -> None:
    root, out = tmp_path / "in", tmp_path / "out"
    turns(root, "1", "2", "3")
    sound(out / "v1_0/candor_turn_taking/2/output.wav", 7.0)
    (out / "v1_0/candor_turn_taking/3").mkdir(parents=True)
    (out / "v1_0/candor_turn_taking/3/output.wav").write_bytes(b"x")
    episodes = list(open_set("fdb_v1", root).episodes())
    found = read_outputs(episodes, out, SystemFacts("files"), EnergyVad())
    assert [episode.id for episode, _ in found.pairs] == ["fdb_v1/candor_turn_taking/2"]
    assert found.pairs[0][1].spans[0][0] == 300
    assert "no sound file" in found.absent["fdb_v1/candor_turn_taking/1"]
    assert "is damaged" in found.absent["fdb_v1/candor_turn_taking/3"]
    with pytest.raises(ValueError, match="holds no output of these 3 episodes"):
        read_outputs(episodes, tmp_path, SystemFacts("files"), EnergyVad())


def test_v3_results(tmp_path: Path) -> None:
    root, out = tmp_path / "in", tmp_path / "out"
    folder = root / "fdb_v3_data_released" / f"travel_1_{'a' * 24}"
    sound(folder / "input.wav", 4.0, 48_000)
    note(folder / "metadata.json", {"expected_tool_calls": [{"function": "f", "args": {"a": 1}}]})
    (episode,) = open_set("fdb_v3", root).episodes()
    trace = play(replace(scripted.vad_endpointer(), out=tmp_path / "traces"), episode, root)
    trace = replace(trace, tools=(ToolUse(2400, "f", {"a": 1}),))
    (path,) = export_v3([(episode, trace)], tmp_path / "traces", out, "our model/1")
    assert path == out / folder_of(episode) / "result_our-model-1.json"
    result = json.loads(path.read_text())
    assert result["example_id"] == "travel_1"
    assert result["actual_tool_calls"] == [
        {"function": "f", "args": {"a": 1}, "timestamp_start": 2.4}
    ]
    assert result["user_speech_end_rel"] == 1.3
    assert result["audio_agent_speech_start"] == trace.spans[0][0] / 1000
    assert (path.parent / "output_our-model-1.wav").is_file()
    assert provider_name("///") == "system"


def test_silence_is_exported_too(tmp_path: Path) -> None:
    root = tmp_path / "in"
    turns(root, "1")
    (episode,) = open_set("fdb_v1", root).episodes()
    trace = play(replace(scripted.silent(), out=tmp_path / "traces"), episode, root)
    (folder,) = export([(episode, trace)], tmp_path / "traces", tmp_path / "out", root)
    audio, _ = soundfile.read(folder / "output.wav")
    assert not np.any(audio) and json.loads((folder / "output.json").read_text())["chunks"] == []
    with pytest.raises(ValueError, match="has no sound to export"):
        export([(episode, replace(trace, audio=None))], tmp_path, tmp_path / "out")


def test_the_command_exports_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, run = tmp_path / "in", tmp_path / "run"
    turns(root, "1")
    asked = ["--dataset", "fdb_v1", "--root", str(root), "--workers", "1", "--vad", "energy"]
    assert cli.main(["eval", "run", "--system", "silent", *asked, "--out", str(run)]) == 0
    out = tmp_path / "out"
    assert cli.main(["eval", "export", str(run), "--out", str(out)]) == 0
    assert "1 items" in capsys.readouterr().out
    place = out / "v1_0/candor_turn_taking/1"
    assert soundfile.info(str(place / "output.wav")).frames == round(7.0101 * 48_000 / 3)
    report = json.loads((run / "report.json").read_text()) | {"dataset": "synthetic"}
    (run / "report.json").write_text(json.dumps(report))
    assert cli.main(["eval", "export", str(run), "--out", str(out)]) == 2
    assert "only runs on fdb_" in capsys.readouterr().err
