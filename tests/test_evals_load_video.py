"""Loaders of videos: tiny made-up data in the official layouts, good, damaged, media missing."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eval_media import load, mp4, note, said, sound

from microturn.evals import counting, scripted
from microturn.evals.catalog import open_set
from microturn.evals.draft import slug
from microturn.evals.episode import parse_episode
from microturn.evals.load_proactivevideoqa import key_words
from microturn.evals.metrics import score_all
from microturn.evals.play import play
from microturn.evals.schema import to_json

REPCOUNT_HEAD = "type,name,count,L1,L2,L3,L4,L5,L6,fps\n"


def qivd(root: Path, **more: Any) -> None:
    row = {
        "id": 1972,
        "video": "00000000.mp4",
        "category": "object counting",
        "timestamp": "00:04.4",
        "question": "How many?",
        "short_answer": "three",
        "answer": "There are three.",
    }
    note(root / "labels.json", [row | more])
    mp4(root / "videos/00000000.mp4", 5.0)
    sound(root / "audio/00000000.wav", 5.0, 48_000)


def test_qivd(tmp_path: Path) -> None:
    qivd(tmp_path)
    (episode,) = load("qivd", tmp_path).values()
    assert episode.id == "qivd/1972" and said(episode) == "" and not episode.missing
    assert (episode.duration_ms, episode.end_ms) == (5000, 15_000)
    assert episode.segment("v0").t0 == 4400 and episode.segment("u0").t1 == 1300
    assert episode.expect[0].accept == ("three",) and episode.expect[0].window == (4400, 14_400)


def test_qivd_faults(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"labels.json is not there.*Qualcomm"):
        load("qivd", tmp_path)
    qivd(tmp_path, timestamp="soon")
    (tmp_path / "audio/00000000.wav").unlink()
    (episode,) = load("qivd", tmp_path).values()
    assert episode.missing and "the sound lies in the video: ffmpeg" in said(episode)
    assert "'soon' is no time" in said(episode) and episode.expect[0].window is None
    (tmp_path / "videos/00000000.mp4").write_bytes(b"")
    (episode,) = load("qivd", tmp_path).values()
    assert episode.raw["absent"] == ["videos/00000000.mp4", "audio/00000000.wav"]
    note(tmp_path / "labels.json", {"a": 1})
    with pytest.raises(ValueError, match="is no list"):
        load("qivd", tmp_path)


def repcount(root: Path) -> None:
    (root / "test_with_fps.csv").write_text(
        REPCOUNT_HEAD
        + "squant,stu1_1.mp4,3,0.0,25.0,25.0,50.0,60.0,100.0,25.0\n"
        + "pull_up,stu1_2.mp4,2,0.0,25.0,25.0,50.0,,,\n"
        + "push_up,stu1_3.mp4,0,,,,,,,30.0\n"
        + "push_up,stu1_4.mp4,many,1,2,,,,,30.0\n"
    )
    mp4(root / "video/test/stu1_1.mp4", 4.5)


def test_repcount(tmp_path: Path) -> None:
    repcount(tmp_path)
    found = load("repcount", tmp_path)
    episode = found["repcount/test/stu1_1"]
    assert not episode.missing and said(episode) == "" and episode.duration_ms == 4500
    assert episode.tracks[0].text == "Please count out reps for squats."
    ends = [s.t1 for s in episode.segments if s.index is not None]
    assert ends == [1000, 2000, 4000]
    (count,) = episode.wanted("count")
    assert (count.value, count.tol) == (3, 1)
    assert count.after_ms == counting.cut_ms(ends) == 2000
    assert found["repcount/test/stu1_2"].missing
    assert "no frame rate" in said(found["repcount/test/stu1_2"])
    assert found["repcount/test/stu1_3"].wanted("count")[0].value == 0
    assert "the count is absent" in said(found["repcount/test/stu1_4"])
    with pytest.raises(ValueError, match="nothing for 'train'"):
        load("repcount", tmp_path, split="train")
    (tmp_path / "test_with_fps.csv").write_text("name,count\n")
    with pytest.raises(ValueError, match=r"column type is absent.*TransRAC"):
        load("repcount", tmp_path)


def test_a_spoken_instruction_comes_before_the_video(tmp_path: Path) -> None:
    repcount(tmp_path)
    text = "Please count out reps for squats."
    sound(tmp_path / "instructions" / f"{slug(text)}.wav", 2.0)
    episode = load("repcount", tmp_path)["repcount/test/stu1_1"]
    assert [(track.kind, track.at_ms) for track in episode.tracks] == [
        ("audio", 0),
        ("video", 2000),
    ]
    assert episode.duration_ms == 6500 and episode.segment("i0").label == "spoken"
    assert [s.t1 for s in episode.segments if s.index] == [3000, 4000, 6000]
    assert episode.wanted("count")[0].after_ms == 4000


def proactive(root: Path) -> None:
    row = {
        "video": "a.mp4",
        "question_id": "q1",
        "duration": 20.0,
        "conversation": [
            {"role": "user", "content": "What happens?", "time": 0},
            {"role": "user", "content": "(subtitle)", "time": 4.5},
        ],
        "answer": [
            {
                "role": "assistant",
                "content": "A man opens the red door.",
                "related_timespan": [6, 9],
                "reply_timespan": [6, 10],
            }
        ],
    }
    beyond = {"reply_timespan": [15, 25], "content": "Smoke."}
    rows = [row, row | {"question_id": "q2", "video": "b.mp4", "answer": [beyond]}]
    note(root / "WEB/anno.json", [*rows, row | {"question_id": "q3", "answer": []}, "text"])
    mp4(root / "WEB/videos/a.mp4", 20.0)


def test_proactivevideoqa(tmp_path: Path) -> None:
    proactive(tmp_path)
    found = load("proactivevideoqa", tmp_path)
    episode = found["proactivevideoqa/WEB/q1"]
    (answer,) = episode.wanted("answer")
    assert answer.spans == ((6000, 10_000),) and answer.max_score == 2
    assert answer.accept == (("man", "opens", "red", "door"),)
    assert [(t.kind, t.at_ms) for t in episode.tracks] == [
        ("text", 0),
        ("video", 0),
        ("text", 4500),
    ]
    assert said(episode) == "" and episode.raw["annotation"]["answer"][0]["content"][:5] == "A man"
    second = found["proactivevideoqa/WEB/q2"]
    assert second.missing and second.duration_ms == 20_000 and second.end_ms == 25_000
    assert "no answer is expected" in said(found["proactivevideoqa/WEB/q3"])
    assert found["proactivevideoqa/WEB/3"].missing
    assert key_words("It is.") == ("It is.",)
    with pytest.raises(ValueError, match=r"no anno.json.*yellow-binary-tree"):
        load("proactivevideoqa", tmp_path / "WEB")


def charades(root: Path) -> None:
    (root / "charades_sta_test.txt").write_text(
        "3MSZA 2.3 30.4##person turn a light on.\nnonsense\n3MSZA 9.0 4.0##person sits.\n"
    )
    note(
        root / "charades.json",
        {
            "3MSZA": {"subset": "testing", "duration": 30.0, "actions": [["c092", 1.0, 5.0], [1]]},
            "AAAAA": {"subset": "training", "duration": 9.0, "actions": [["c001", 1.0, 5.0]]},
        },
    )
    (root / "Charades_v1_classes.txt").write_text("c092 turning off a light\n")
    mp4(root / "Charades_v1_480/3MSZA.mp4", 30.5)


def test_charades(tmp_path: Path) -> None:
    charades(tmp_path)
    found = load("charades", tmp_path)
    assert list(found) == [
        "charades/sta/test/1",
        "charades/sta/test/2",
        "charades/sta/test/3",
        "charades/classes/3MSZA/0",
        "charades/classes/3MSZA/1",
    ]
    episode = found["charades/sta/test/1"]
    assert said(episode) == "" and not episode.missing and episode.duration_ms == 30_500
    assert "doing turn a light on then" in str(episode.tracks[0].text)
    (interval,) = episode.wanted("interval")
    assert interval.ref == (2300, 30_400)
    assert (interval.open, interval.close) == (("start",), ("stop",))
    assert "line 2 is no `VIDEO START END##sentence`" in said(found["charades/sta/test/2"])
    assert "its ends are exchanged" in said(found["charades/sta/test/3"])
    by_class = found["charades/classes/3MSZA/0"]
    assert by_class.segment("v0").label == "turning off a light" and not by_class.missing
    assert "no [class, start, end]" in said(found["charades/classes/3MSZA/1"])
    train = load("charades", tmp_path, split="train")["charades/classes/AAAAA/0"]
    assert train.missing and "the class c001 has no name" in said(train)
    with pytest.raises(ValueError, match=r"neither charades_sta.*VSLNet"):
        load("charades", tmp_path / "Charades_v1_480")


def test_streamingbench(tmp_path: Path) -> None:
    question = {
        "task_type": "Proactive Output",
        "question": 'When the score is 3, output "3".',
        "time_stamp": "00:00:20",
        "ground_truth_time_stamp": "0:00:29",
        "ground_truth_output": "3",
    }
    entry = {"video_categories": "sport", "video_path": "./videos/sample_1_proactive.mp4"}
    bad = question | {"ground_truth_time_stamp": "later"}
    missing = {"video_path": "./videos/none.mp4", "questions": [question]}
    note(
        tmp_path / "src/data/questions_proactive.json",
        [entry | {"questions": [question, bad]}, missing, {}],
    )
    mp4(tmp_path / "videos/sample_1_proactive.mp4", 30.0)
    found = list(load("streamingbench_proactive", tmp_path).values())
    assert len(found) == 4
    (say,) = found[0].wanted("say")
    assert say.window == (27_000, 31_000) and say.at_ms == 29_000 and say.accept == ("3",)
    assert found[0].end_ms == 31_000 and found[0].tracks[1].at_ms == 20_000
    assert said(found[0]) == "" and "'later' is no time" in said(found[1])
    assert found[2].missing and "videos/none.mp4 is not there" in said(found[2])
    assert "'video_path' is absent" in said(found[3])
    with pytest.raises(ValueError, match="THUNLP-MT"):
        load("streamingbench_proactive", tmp_path / "videos")


def test_the_oracle_does_what_is_expected_and_silence_does_not(tmp_path: Path) -> None:
    black = np.zeros((120, 160, 3), dtype=np.uint8)
    values: dict[str, dict[str, float | None]] = {"oracle": {}, "silent": {}}
    for name, make in (
        ("qivd", qivd),
        ("repcount", repcount),
        ("proactivevideoqa", proactive),
        ("charades", charades),
    ):
        root = tmp_path / name
        root.mkdir()
        make(root)
        episode = next(open_set(name, root).episodes())
        for agent in (scripted.oracle(), scripted.silent()):
            trace = play(agent, episode, root, frames_of=lambda path, track: [(0, black)])
            values[agent.name] |= {s.metric: s.value for s in score_all(episode, trace)}
    best = {"answer": 1, "off_by_one": 1, "running_count": 1, "pauc": 1, "temporal_iou": 1}
    assert values["oracle"] == best | {"count_error": 0}
    silent = {metric: values["silent"][metric] for metric in best}
    assert silent == dict.fromkeys(best, 0) | {"pauc": 0.25}


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inside: list[Any] = []
    if isinstance(node, (dict, list)):
        inside = list(node.items() if isinstance(node, dict) else enumerate(node))
    return [path] + [place for key, value in inside for place in places(value, (*path, key))]


@pytest.mark.parametrize("seed", range(3))
def test_a_value_of_any_form_ends_in_an_episode_or_in_one_line(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    forms = (None, -5, 1e9, "x", "", [], {}, [[]], {"a": 1}, True, [0.2, 0.1], "../x")
    made = (
        ("proactivevideoqa", proactive, "WEB/anno.json"),
        ("charades", charades, "charades.json"),
    )
    for name, make, file in made:
        root = tmp_path / name
        root.mkdir()
        make(root)
        whole = (root / file).read_text()
        num_items = len(load(name, root, split="all"))
        for _ in range(40):
            value = json.loads(whole)
            path = rng.choice([place for place in places(value) if place])
            *above, last = path
            node = value
            for key in above:
                node = node[key]
            node[last] = rng.choice(forms)
            note(root / file, value)
            try:
                found = load(name, root, split="all")
            except ValueError as error:
                assert " wants " in str(error) and "\n" not in str(error)
                continue
            assert len(found) == num_items or "actions" in path or len(path) == 1
            for episode in found.values():
                assert parse_episode(json.dumps(to_json(episode))) == episode
