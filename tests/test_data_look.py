"""Conversations drawn and played: every lane is there, the sound is that of both sides."""

from __future__ import annotations

import itertools
import json
import random

import numpy as np
import pytest
import soundfile
from PIL import Image

from microturn.data import gallery
from microturn.data.look import (
    end_ms_of,
    expect_boxes,
    look,
    mark_boxes,
    read_facts,
    timer_boxes,
    words_of,
)
from microturn.data.look_chart import LEFT_PX, Box, boxes_lane, packed, shortened, text_width
from microturn.data.mix import Sound
from microturn.data.synth import SHEET, contact_sheet, image_times_ms, write_episode
from microturn.data.talk import Talk
from microturn.scenarios import families
from tests.tones import shipped_text, tone_bank

SOUND = Sound(0.5, 0.0, 1)


def opened(path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def written(folder, name, seed=0, duration_ms=20_000):
    talk = Talk(tone_bank(), random.Random(seed), "af_alloy", 1000, duration_ms)
    families()[name].play(talk)
    timeline = talk.timeline(duration_ms, (name,))
    write_episode(folder, timeline, SOUND, tone_bank(), shipped_text())
    return timeline


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("counted")
    return folder, written(folder, "repetition_count", seed=9)


def test_everything_is_written(counted):
    folder, timeline = counted
    facts = read_facts(folder)
    assert facts["families"] == ["repetition_count"]
    assert len(facts["marks"]) == len(timeline.marks) > 0
    assert [tuple(e["window_ms"]) for e in facts["expects"]] == [
        expect.window_ms for expect in timeline.expects
    ]
    assert facts["expects"][-1]["do"] == timeline.expects[-1].do
    for stated, event in zip(facts["events"], timeline.events, strict=True):
        for name in ("side", "text", "kind", "onset_ms", "end_ms", "cut_ms", "gain_db"):
            assert stated[name] == getattr(event, name)
        assert " ".join(word for word, _, _ in stated["words"]) == event.text
        assert all(event.onset_ms <= a < b <= event.end_ms for _, a, b in stated["words"])


def test_typed_text_and_what_is_handed_over_are_written(tmp_path):
    for seed in range(30):
        timeline = written(tmp_path, "delegation", seed)
        if timeline.delegated and timeline.typed:
            break
    facts = read_facts(tmp_path)
    assert [item["text"] for item in facts["delegated"]] == [d.text for d in timeline.delegated]
    assert [(t["role"], t["text"]) for t in facts["typed"]] == [
        (typed.role, typed.text) for typed in timeline.typed
    ]
    assert facts["image_times_ms"] == [] and contact_sheet(timeline) is None
    assert not (tmp_path / SHEET).exists()
    assert opened(look(tmp_path)["out"]).height > 200


def test_the_sheet_holds_the_images(counted):
    folder, timeline = counted
    times_ms = image_times_ms(timeline)
    assert times_ms[:3] == [0, 400, 800] and times_ms[-1] < timeline.scene_ms[1]
    sheet = np.asarray(opened(folder / SHEET))
    for number in (0, 11):
        row, column = divmod(number, 10)
        cut = sheet[row * 120 : (row + 1) * 120, column * 160 : (column + 1) * 160]
        assert np.array_equal(cut, timeline.scene.image(times_ms[number]))


def test_look_draws_and_plays(counted, tmp_path):
    folder, timeline = counted
    result = look(folder, tmp_path / "x.png", tmp_path / "x.wav")
    image = np.asarray(opened(tmp_path / "x.png")).astype(int)
    assert image.shape[1::-1] == tuple(result["size"])
    seconds = end_ms_of(read_facts(folder)) / 1000
    assert image.shape[1] - LEFT_PX > 50 * seconds
    for color in ((42, 104, 184), (30, 140, 84)):  # the user's and the model's waveforms
        assert (np.abs(image - color).sum(-1) == 0).sum() > 500
    sound, rate_hz = soundfile.read(tmp_path / "x.wav")
    own, own_hz = soundfile.read(folder / "own.wav")
    assert (rate_hz, own_hz) == (24_000, 24_000)
    assert sound.shape == (20 * 24_000, 2)
    assert np.allclose(sound[:, 1], own, atol=2e-4)
    user = next(event for event in timeline.events if event.side == "user")
    part = slice(user.onset_ms * 24, user.end_ms * 24)
    assert np.abs(sound[part, 0]).max() > 0.1 > np.abs(sound[part, 1]).max()
    again = look(folder)
    assert (folder / "look.png").read_bytes() == (tmp_path / "x.png").read_bytes()
    assert again["wav"] == str(folder / "look.wav")


def test_bad_folders(tmp_path, counted):
    with pytest.raises(ValueError, match=r"no conversation in .* it needs timeline.json"):
        look(tmp_path)
    (tmp_path / "timeline.json").write_text("{")
    with pytest.raises(ValueError, match="is no JSON"):
        look(tmp_path)
    (tmp_path / "timeline.json").write_text(json.dumps({"events": []}))
    with pytest.raises(ValueError, match="older version"):
        look(tmp_path)
    with pytest.raises(ValueError, match="there is no folder"):
        look(counted[0], tmp_path / "none" / "x.png")


def test_boxes_do_not_touch():
    rng = random.Random(0)
    spans = sorted((a := rng.uniform(0, 1000), a + rng.uniform(1, 200)) for _ in range(60))
    rows = packed(spans)
    for row in set(rows):
        inside = [span for span, at in zip(spans, rows, strict=True) if at == row]
        assert all(a[1] < b[0] for a, b in itertools.pairwise(inside))
    assert max(rows) < 20
    assert packed([(0, 10), (20, 30)]) == [0, 0] and packed([(0, 10), (12, 30)]) == [0, 1]


def test_labels():
    assert shortened("short", 200) == "short"
    cut = shortened("a label that is much too long for its place", 90)
    assert cut.endswith("...") and text_width(cut) <= 90
    assert shortened("word", 1) == ""
    assert boxes_lane("none", [], 80) is None
    lane = boxes_lane("two", [Box(0, 10, "a", (0, 0, 0)), Box(5, 10, "b", (0, 0, 0))], 80)
    assert lane is not None and lane.height == 2 * 20


def test_boxes_of_facts():
    expects = [
        {"do": "yield_then_respond", "window_ms": [5000, 7000], "accept": ["Yes.", "No."],
         "on_ms": 1000, "detail": {"seconds": 4}},
        {"do": "silent", "window_ms": [0, 500], "accept": [], "on_ms": None, "detail": {}},
    ]  # fmt: skip
    labels = [box.label for box in expect_boxes(expects)]
    assert labels == ["yield then respond: Yes. (+1)", "silent"]
    assert [(box.start_ms, box.end_ms, box.label) for box in timer_boxes(expects)] == [
        (1000, 5000, "4 s")
    ]
    marks = [{"kind": "rep", "label": "squats", "onset_ms": 1, "end_ms": 2}]
    assert mark_boxes(marks)[0].label == "rep: squats"
    words = {"events": [{"side": "user", "words": [["b", 900, 950], ["a", 100, 200]]}]}
    assert [word for word, _, _ in words_of(words, "user", 500)] == ["a"]


def test_gallery(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery.Bank, "load", lambda paths, for_training=True: tone_bank())
    chosen = ("show_and_ask", "reminder")
    result = gallery.write_gallery(tmp_path / "gallery", [tmp_path], chosen)
    assert (result["count"], result["left_out"]) == (2, [])
    page = (tmp_path / "gallery.md").read_text()
    for name in chosen:
        assert f"## {name}" in page and f"![{name}](gallery/{name}.png)" in page
        assert opened(tmp_path / "gallery" / f"{name}.png").width > 800
    assert 0 < result["bytes"] < 200_000
