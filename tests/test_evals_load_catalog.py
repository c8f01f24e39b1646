"""The catalogue: what is here, what is missing, where to get it; the command that prints it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eval_media import lines, note, sound

from microturn import cli
from microturn.evals.catalog import BENCHMARKS, open_set, prepare, root_of, survey

NAMES = """fdb_v1 fdb_v1_5 fdb_v3 qivd audiomc bigbench_audio voicebench_ifeval ifeval harmbench
repcount proactivevideoqa charades humdial streamingbench_proactive game_time"""


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for facts in BENCHMARKS.values():
        monkeypatch.delenv(facts.variable, raising=False)
    monkeypatch.delenv("MICROTURN_BENCHMARKS", raising=False)


def questions(root: Path, with_sound: bool = True) -> None:
    row = {"category": "navigate", "official_answer": "Yes", "file_name": "data/1.wav", "id": 1}
    lines(root / "metadata.jsonl", row)
    if with_sound:
        sound(root / "data/1.wav", 2.0, 22_050)


def test_every_benchmark_has_its_facts() -> None:
    assert list(BENCHMARKS) == NAMES.split()
    for facts in BENCHMARKS.values():
        assert facts.title and facts.license and facts.place and facts.layout and facts.grading
        assert "http" not in facts.place


def test_where_a_root_comes_from(tmp_path: Path) -> None:
    (tmp_path / "ifeval").mkdir()
    every = {"MICROTURN_BENCHMARKS": str(tmp_path)}
    own = every | {"MICROTURN_IFEVAL": "elsewhere"}
    assert root_of("ifeval", environment={}) is None
    assert root_of("ifeval", environment=every) == tmp_path / "ifeval"
    assert root_of("qivd", environment=every) is None
    assert root_of("ifeval", environment=own) == Path("elsewhere")
    assert root_of("ifeval", given=Path("here"), environment=own) == Path("here")
    with pytest.raises(ValueError, match=r"get it from josejg.*set MICROTURN_IFEVAL"):
        open_set("ifeval")
    with pytest.raises(ValueError, match="no benchmark 'fdb': there are fdb_v1, "):
        open_set("fdb")


def test_survey_tells_the_four_states_apart(tmp_path: Path) -> None:
    questions(tmp_path / "bigbench_audio")
    (tmp_path / "ifeval").mkdir()
    note(tmp_path / "qivd/labels.json", [{"id": 1, "video": "a.mp4", "category": "ocr"}])
    found = {entry["name"]: entry for entry in survey((), tmp_path, environment={})}
    assert found["bigbench_audio"]["status"] == "here" and found["bigbench_audio"]["items"] == 1
    assert found["bigbench_audio"]["subsets"] == {"navigate": 1}
    assert found["ifeval"]["status"] == "wrong layout"
    assert "input_data.jsonl is not there" in found["ifeval"]["fault"]
    assert found["qivd"]["status"] == "incomplete"
    assert found["qivd"]["absent_media"] == ["videos/a.mp4", "audio/a.wav"]
    assert found["fdb_v1"]["status"] == "absent" and found["fdb_v1"]["root"] is None


def test_check_looks_at_every_item(tmp_path: Path) -> None:
    root = tmp_path / "bigbench_audio"
    row = {"category": "navigate", "official_answer": "Yes"}
    rows = [row | {"file_name": f"data/{n}.wav", "id": n} for n in range(45)]
    lines(root / "metadata.jsonl", *rows)
    (some,) = survey(("bigbench_audio",), tmp_path, environment={})
    (every,) = survey(("bigbench_audio",), tmp_path, look_at_all=True, environment={})
    assert (some["looked_at"], every["looked_at"]) == (20, 45)
    assert every["num_absent_media"] == 45 and len(every["absent_media"]) == 5
    assert every["problems"] == {"is not there": 45}


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    questions(tmp_path / "bigbench_audio", with_sound=False)
    assert cli.main(["eval", "list", "--root", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "bigbench_audio           incomplete" in text and "such as data/1.wav" in text
    assert "then set MICROTURN_FDB_V1 to its folder" in text
    assert cli.main(["eval", "list", "ifeval", "--root", str(tmp_path), "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)["benchmarks"]
    assert entry["status"] == "absent" and entry["license"] == "Apache-2.0"
    assert cli.main(["eval", "list", "--root", str(tmp_path / "none")]) == 2
    assert "is no folder" in capsys.readouterr().err
    assert cli.main(["eval", "list", "nobody"]) == 2
    assert "no benchmark 'nobody'" in capsys.readouterr().err
    assert cli.main(["eval", "prepare", "ifeval", "--folder", str(tmp_path)]) == 2
    assert "nothing has to be prepared" in capsys.readouterr().err


def test_prepare_says_what_is_lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"no videos/\*.mp4"):
        prepare("qivd", tmp_path)
    with pytest.raises(ValueError, match="no Parquet file"):
        prepare("audiomc", tmp_path)
    (tmp_path / "a.parquet").write_bytes(b"")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install pyarrow"):
        prepare("audiomc", tmp_path)
    (tmp_path / "exported.jsonl").write_text("")
    assert prepare("audiomc", tmp_path) == {"rows": 0}
