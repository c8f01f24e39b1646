"""Loaders of spoken and typed questions: tiny made-up data in the official layouts, good, damaged,
and with media missing."""

from __future__ import annotations

import io
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import soundfile
from eval_media import chunks, lines, load, note, said, sound

from microturn.evals.episode import Instruction, SeedTurn

SPEAKER = "0123456789abcdef01234567"
CALL = {"function": "track_order", "args": {"order_id": "QX15"}}
LATER = {"function": "add_to_cart", "args": {"item": "$RESULT_0.item", "count": 2}}


def fdb_v3(root: Path) -> Path:
    rows = [
        {
            "id": "ecommerce_1",
            "domain": "ecommerce_support",
            "dialogue": [{"user": "Where is it?", "ai": "It comes on Monday."}],
            "expected_tool_calls": [CALL, LATER],
        }
    ]
    note(root / "benchmark_data_v2.json", rows)
    folder = root / "fdb_v3_data_released" / f"ecommerce_1_{SPEAKER}"
    sound(folder / "input.wav", 9.0, 48_000)
    note(folder / "metadata.json", {"example_id": "ecommerce_1"})
    return folder


def test_fdb_v3(tmp_path: Path) -> None:
    fdb_v3(tmp_path)
    (episode,) = load("fdb_v3", tmp_path).values()
    assert said(episode) == "" and episode.raw["subset"] == "ecommerce_support"
    assert episode.segment("u0").t1 == 1300 and episode.segment("u0").label == "energy"
    assert episode.end_ms == 16_300  # 15 s after the turn
    (tools,) = episode.wanted("tools")
    assert [call.function for call in tools.calls] == ["track_order", "add_to_cart"]
    assert tools.calls[1].args == {"item": "$RESULT_0.item", "count": 2}
    schemas = {tool["name"]: tool["parameters"] for tool in episode.system.tools}
    assert schemas["add_to_cart"]["properties"] == {"item": {}, "count": {"type": "integer"}}
    assert schemas["track_order"]["required"] == ["order_id"]
    assert episode.wanted("rubric")[0].criteria[0].endswith("It comes on Monday.")


def test_fdb_v3_faults(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no sample folders"):
        load("fdb_v3", tmp_path)
    folder = fdb_v3(tmp_path)
    (folder / "metadata.json").unlink()
    (folder / "input.wav").unlink()
    (episode,) = load("fdb_v3", tmp_path).values()
    assert episode.missing and "metadata.json is not there" in said(episode)
    (tmp_path / "benchmark_data_v2.json").unlink()
    (episode,) = load("fdb_v3", tmp_path).values()
    assert "neither benchmark_data_v2.json nor metadata.json" in said(episode)
    note(tmp_path / "benchmark_data_v2.json", ["text"])
    with pytest.raises(ValueError, match="is no list of scenarios"):
        load("fdb_v3", tmp_path)


def audiomc_row(**more: Any) -> dict[str, Any]:
    return {
        "id": "c1",
        "axis": "VOICE_EDITING",
        "user_turn_1_audio": "a/1.wav",
        "user_turn_1_transcript": "I like tea.",
        "assistant_turn_1_transcript": "Noted.",
        "user_turn_2_audio": "a/2.wav",
        "user_turn_2_transcript": "What do I like?",
        "rubric": '[{"criterion": "Says tea.", "weight": 1}]',
    } | more


def test_audiomc(tmp_path: Path) -> None:
    sound(tmp_path / "a/2.wav", 2.0, 48_000)
    lines(tmp_path / "rows.jsonl", audiomc_row())
    (episode,) = load("audiomc", tmp_path).values()
    assert episode.id == "audiomc/c1" and said(episode) == "" and not episode.missing
    assert episode.system.seed_turns == (
        SeedTurn("user", "I like tea."),
        SeedTurn("agent", "Noted."),
    )
    assert episode.wanted("rubric")[0].criteria == ("Says tea.",)
    assert episode.raw["annotation"]["user_turn_1_audio"] == "a/1.wav"


def test_audiomc_faults(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"neither exported.jsonl nor a Parquet.*ScaleAI/audiomc"):
        load("audiomc", tmp_path)
    lines(
        tmp_path / "exported.jsonl",
        audiomc_row(),
        audiomc_row(id="c2", rubric=[]),
        audiomc_row(id="c3", assistant_turn_1_transcript=None, rubric=["a", {"text": "b"}]),
        audiomc_row(id="c4", user_turn_2_audio="../../secret.wav"),
        "{",
        [1],
    )
    found = load("audiomc", tmp_path)
    assert len(found) == 6 and all(episode.missing for episode in found.values())
    assert "a/2.wav is not there" in said(found["audiomc/c1"])
    assert "the rubric is empty" in said(found["audiomc/c2"])
    assert "assistant_turn_1_transcript is absent" in said(found["audiomc/c3"])
    assert found["audiomc/c3"].wanted("rubric")[0].criteria == ("a", "b")
    assert "lies outside the folder" in said(found["audiomc/c4"])
    assert "line 5 is no JSON" in said(found["audiomc/line5"])
    assert "line 6 is no JSON object" in said(found["audiomc/line6"])


def test_parquet_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = io.BytesIO()
    soundfile.write(data, [0.0] * 1600, 16_000, format="WAV")
    row = {
        "audio": {"bytes": data.getvalue(), "path": "x.wav"},
        "key": 7,
        "prompt": "Say it.",
        "instruction_id_list": ["punctuation:no_comma"],
        "kwargs": [{"a": None}],
    }

    class File:
        def __init__(self, path: Path) -> None:
            assert path.name == "test-0.parquet"

        def iter_batches(self, batch_size: int) -> Any:
            yield types.SimpleNamespace(to_pylist=lambda: [row])

    (tmp_path / "ifeval").mkdir()
    (tmp_path / "ifeval/test-0.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install pyarrow \(once\)"):
        load("voicebench_ifeval", tmp_path)
    monkeypatch.undo()
    fake = types.ModuleType("pyarrow.parquet")
    fake.ParquetFile = File  # type: ignore[attr-defined]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: True)
    monkeypatch.setitem(sys.modules, "pyarrow", types.ModuleType("pyarrow"))
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", fake)
    (episode,) = load("voicebench_ifeval", tmp_path).values()
    assert episode.id == "voicebench_ifeval/7" and episode.duration_ms == 100
    assert episode.tracks[0].uri == "exported/00000_7_audio.wav"
    monkeypatch.undo()
    (again,) = load("voicebench_ifeval", tmp_path).values()  # needs no pyarrow any more
    assert again == episode


def test_ifeval_typed_and_spoken(tmp_path: Path) -> None:
    row = {
        "key": 1000,
        "prompt": "Write without commas, three times.",
        "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
        "kwargs": [{}, {"num_words": 30, "relation": "at least", "end_phrase": None}],
    }
    lines(tmp_path / "input_data.jsonl", row, row | {"kwargs": [{}]}, row)
    found = load("ifeval", tmp_path)
    assert list(found) == ["ifeval/1000", "ifeval/1000#1", "ifeval/1000#2"]
    typed = found["ifeval/1000"]
    wanted = (
        Instruction("punctuation:no_comma"),
        Instruction("length_constraints:number_words", {"num_words": 30, "relation": "at least"}),
    )
    assert typed.expect[0].instructions == wanted
    assert typed.tracks[0].text == row["prompt"] and not typed.missing
    assert "2 instructions with 1 sets" in said(found["ifeval/1000#1"])
    spoken = tmp_path / "spoken"
    sound(spoken / "x.wav", 2.0)
    lines(spoken / "exported.jsonl", row | {"audio": {"path": "x.wav"}}, row | {"audio": "y.wav"})
    first, second = load("voicebench_ifeval", spoken).values()
    assert first.wanted("ifeval")[0].instructions == wanted and not first.missing
    assert second.missing and "y.wav is not there" in said(second)
    with pytest.raises(ValueError, match=r"input_data.jsonl is not there.*josejg"):
        load("ifeval", spoken)


def test_bigbench_audio(tmp_path: Path) -> None:
    kinds = (("navigate", "yes"), ("object_counting", 12), ("formal_fallacies", "invalid"))
    rows = [
        {"category": kind, "official_answer": answer, "file_name": f"data/{n}.wav", "id": n}
        for n, (kind, answer) in enumerate(kinds)
    ]
    for row in rows:
        sound(tmp_path / str(row["file_name"]), 2.0, 22_050)
    sound(tmp_path / "data/1.wav", 2.0, 44_100)
    bad = rows[0] | {"id": 8, "official_answer": "perhaps"}
    lines(tmp_path / "metadata.jsonl", *rows, bad, rows[0] | {"id": 9, "file_name": "data/9.mp3"})
    found = list(load("bigbench_audio", tmp_path).values())
    labels = [episode.wanted("label")[0] for episode in found[:3]]
    assert [(label.value, label.choices) for label in labels] == [
        ("Yes", ("Yes", "No")),
        ("12", ("<integer>",)),
        ("invalid", ("valid", "invalid")),
    ]
    assert said(found[0]) == "" and found[0].duration_ms == 2000
    assert "44100 Hz" in said(found[1]) and not found[1].missing
    assert "'perhaps' is none of Yes, No" in said(found[3])
    assert found[4].raw["absent"] == ["data/9.mp3"]
    with pytest.raises(ValueError, match=r"metadata.jsonl is not there.*big_bench_audio"):
        load("bigbench_audio", tmp_path / "data")


def test_harmbench_keeps_its_texts_to_itself(tmp_path: Path) -> None:
    head = "Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID\n"
    (tmp_path / "harmbench_behaviors_text_all.csv").write_text(
        head + '"SECRET one",standard,x,,,a_1\n"SECRET two",contextual,x,,"About this",b_2\n'
        ",standard,x,,,c_3\n"
    )
    found = load("harmbench", tmp_path)
    assert [episode.split for episode in found.values()] == ["all"] * 3
    assert found["harmbench/b_2"].tracks[0].text == "About this\n\nSECRET two"
    assert found["harmbench/a_1"].expect[0].do == "refuse"
    assert found["harmbench/c_3"].missing and "Behavior is empty" in said(found["harmbench/c_3"])
    for split in ("test", "val"):
        path = tmp_path / f"harmbench_behaviors_text_{split}.csv"
        path.write_text(head + f'"SECRET",standard,x,,,{split}_1\n')
    assert list(load("harmbench", tmp_path)) == ["harmbench/test_1", "harmbench/val_1"]
    assert list(load("harmbench", tmp_path, split="val")) == ["harmbench/val_1"]
    (tmp_path / "harmbench_behaviors_text_val.csv").write_text("Behavior,BehaviorID\nSECRET,x\n")
    with pytest.raises(ValueError, match="the column FunctionalCategory is absent") as caught:
        load("harmbench", tmp_path)
    assert "SECRET" not in str(caught.value)


def humdial(root: Path, lang: str, category: str, *parts: tuple[float, float, str]) -> Path:
    folder = root / "test" / f"{lang}_test_nondev" / category
    sound(folder / "7_1.wav", 20.0)
    sound(folder / "clean_7_1.wav", 20.0)
    segments = [{"xmin": start, "xmax": end, "text": text} for start, end, text in parts]
    note(folder / "7_1.json", {"speech_segments": segments, "final_duration": 20.0})
    return folder


def test_humdial(tmp_path: Path) -> None:
    two = ((0.3, 2.0, "Why is that?"), (7.0, 8.5, "And how?"))
    for category in ("ask", "wait", "backchannel", "others_talk_to_user_after"):
        humdial(tmp_path, "en", category, *two)
    humdial(tmp_path, "cn", "others_talk_to_user_before", *two)
    humdial(tmp_path, "en", "talk_to_others", *two, (13.0, 14.0, "Close the door."))
    folder = humdial(tmp_path, "en", "pause", (0.3, 4.0, "I would [break] like tea"))
    words = chunks(("I", 0.3, 0.5), ("would", 0.6, 0.9), ("like", 2.4, 2.8), ("tea", 3.0, 4.0))
    note(folder / "7_1_timestamp.json", {"chunks": words})
    found = load("humdial", tmp_path)
    assert len(found) == 7 and found["humdial/zh/others_talk_to_user_before/7_1"].lang == "zh"
    wanted = {id.split("/")[2]: [e.do for e in episode.expect] for id, episode in found.items()}
    assert wanted == {
        "ask": ["respond", "yield_then_respond"],
        "wait": ["respond", "silent"],
        "backchannel": ["respond", "continue"],
        "others_talk_to_user_after": ["respond", "ignore"],
        "others_talk_to_user_before": ["ignore", "respond"],
        "talk_to_others": ["respond", "respond", "ignore"],
        "pause": ["wait", "respond"],
    }
    pause = found["humdial/en/pause/7_1"]
    assert (pause.segment("pu0").t0, pause.segment("pu0").t1) == (900, 2400)
    assert pause.segment("u0").text == "I would like tea" and said(pause) == ""
    silent = found["humdial/en/wait/7_1"].expect[1]
    assert silent.window == (10_500, 20_000)
    third = found["humdial/zh/others_talk_to_user_before/7_1"].segment("u0")
    assert (third.role, third.kind) == ("world", "background")


def test_humdial_faults(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither en_test_nondev nor cn_test_nondev"):
        load("humdial", tmp_path)
    one = humdial(tmp_path, "en", "ask", (0.3, 2.0, "Why?"))
    (one / "7_1.wav").unlink()
    note(one / "8_1.json", {"final_duration": 3.0})
    sound(one / "9_1.wav", 3.0)
    found = load("humdial", tmp_path)
    assert len(found) == 3
    assert "want 2: no event" in said(found["humdial/en/ask/7_1"])
    assert found["humdial/en/ask/7_1"].missing
    assert "'speech_segments' is absent" in said(found["humdial/en/ask/8_1"])
    assert "9_1.json is not there" in said(found["humdial/en/ask/9_1"])


def test_game_time(tmp_path: Path) -> None:
    part = tmp_path / "advanced_instructions"
    text = 'Count to three. <sil="500ms"/> Now.'
    rows = [{"id": "t_1", "text": text}, {"id": "t_2", "text": "Go."}, {"id": "t_3"}]
    note(part / "text/2-a-Time-Fast-dataset.json", {"data": rows})
    for number in (1, 3):
        sound(part / f"audios/2-a-Time-Fast/test/t_{number}.wav", 2.0)
    words = [{"word": "Count", "start": 0.3, "end": 0.6}, {"word": "to", "start": 0.7, "end": 0.8}]
    lines(part / "alignments/2-a-Time-Fast/t_1.jsonl", *words)
    lines(part / "alignments/2-a-Time-Fast/t_3.jsonl", {"words": [{"word": "x"}]})
    found = list(load("game_time", tmp_path).values())
    assert found[0].id == "game_time/advanced/2-a-Time-Fast/t_1" and said(found[0]) == ""
    assert found[0].segment("u0").text == "Count to three. Now."
    assert found[0].segment("u0").words == (("Count", 300, 600), ("to", 700, 800))
    assert found[1].missing and "t_2.wav is not there" in said(found[1])
    assert "the instruction's text is absent" in said(found[2]) and not found[2].missing
    with pytest.raises(ValueError, match="gametime-benchmark"):
        load("game_time", tmp_path / "advanced_instructions/text")
    lines(tmp_path / "rows/exported.jsonl", {"id": "z", "text": "Go.", "audio_bytes": "z.wav"})
    sound(tmp_path / "rows/z.wav", 1.5)
    (row,) = load("game_time", tmp_path / "rows").values()
    assert row.duration_ms == 1500 and row.segment("u0").text == "Go."
