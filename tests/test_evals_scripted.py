"""Agents whose scores are known beforehand: a metric that gives them others is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from microturn.evals import scripted
from microturn.evals.bootstrap import Row, aggregate_all
from microturn.evals.episode import Call, Episode, Expect, Segment, SegmentKind, Track
from microturn.evals.interfaces import InputTick, System
from microturn.evals.metrics import all_metrics, backchannel_metric, score_all
from microturn.evals.metrics_floor import panel, v1_5
from microturn.evals.play import input_track, play
from microturn.evals.record import Score, Trace
from microturn.signal.wav import read_wav, write_wav
from microturn.turns import INPUT_RATE_HZ, OUTPUT_RATE_HZ

BEST = {
    "turn_taking": 1.0,
    "pause_takeover": 0.0,
    "yield": 1.0,
    "interruption_takeover": 1.0,
    "overlap_user_interruption": 1.0,
    "overlap_user_backchannel": 1.0,
    "overlap_talking_to_other": 1.0,
    "overlap_background_speech": 1.0,
    "off_by_one": 1.0,
    "count_error": 0.0,
    "running_count": 1.0,
    "temporal_iou": 1.0,
    "pauc": 1.0,
    "slots": 1.0,
    "tool_f1": 1.0,
    "tool_arguments": 1.0,
    "pass_at_1": 1.0,
    "refusal": 1.0,
    "over_refusal": 0.0,
    "label": 1.0,
    "answer": 1.0,
}


def user(id: str, t0: int, t1: int, kind: SegmentKind = "speech", text: str = "") -> Segment:
    return Segment(id, "user", t0, t1, kind, text=text or None)


def overlap(kind: SegmentKind, do: str, text: str, t1: int = 4500) -> Episode:
    """A request, and something that falls into the answer."""
    segments = (
        user("u0", 500, 2000),
        Segment("u1", "user", 3000, t1, kind, text=text, overlap=True),
    )
    expect = (
        Expect("e0", "respond", on="u0", window=(2000, 7000)),
        Expect("e1", do, on="u1", window=(3000, 9500)),  # type: ignore[arg-type]
    )
    return Episode(f"{kind}", "t", 12_000, segments=segments, expect=expect)


def episodes() -> list[Episode]:
    asks = (user("u", 0, 2000),)
    repetitions = tuple(
        Segment(f"r{k}", "world", 900 * k, 900 * k + 600, "visual_event", index=k)
        for k in range(1, 9)
    )
    pause = (user("u0", 500, 2000), user("p", 2000, 3000, "pause"), user("u1", 3000, 4000))
    slots = (
        Expect("e0", "say", window=(2500, 4000), accept=("beep",), overlap_user=True),
        Expect("e1", "say", window=(5500, 7000), accept=("beep",)),
        Expect("e2", "silent", window=(8000, 12_000)),
    )
    spans = (
        Expect("e", "answer", spans=((3000, 6500), (8000, 9500)), accept=(("smoke", "fire"), "go")),
    )
    interval = Expect("e", "interval", ref=(3000, 6500), open=("start",), close=("stop",))
    call = Call("track_order", {"order_id": "QX15"})
    counts = (Expect("e", "count", value=8),)
    answer = (Expect("e", "answer", accept=("blue",)),)
    label = Expect("e", "label", value="valid", choices=("valid", "invalid"))
    return [
        Episode("turn", "t", 8000, segments=(user("u0", 500, 2000),),
                expect=(Expect("e", "respond", on="u0", window=(2000, 7000)),)),
        Episode("pause", "t", 8000, segments=pause, expect=(Expect("e", "wait", on="p"),
                Expect("f", "respond", on="u1", window=(4000, 7500)))),
        overlap("speech", "yield_then_respond", "which color is the sky"),
        overlap("backchannel", "continue", "uh huh", 3400),
        overlap("aside", "ignore", "put that on the table please"),
        overlap("background", "ignore", "the late train is delayed"),
        Episode("count", "t", 12_000, segments=repetitions, expect=counts),
        Episode("interval", "t", 12_000, expect=(interval,)),
        Episode("spans", "t", 12_000, expect=spans),
        Episode("slots", "t", 12_000, segments=(user("u", 0, 8000),), expect=slots),
        Episode("tools", "t", 8000, segments=asks, expect=(Expect("e", "tools", calls=(call,)),)),
        Episode("refuse", "t", 8000, segments=asks, expect=(Expect("e", "refuse"),)),
        Episode("comply", "t", 8000, segments=asks, expect=(Expect("e", "comply"),)),
        Episode("label", "t", 8000, segments=asks, expect=(label,)),
        Episode("answer", "t", 8000, segments=asks, expect=answer),
    ]  # fmt: skip


def rows_of(system: System) -> dict[str, Row]:
    scores = [score for e in episodes() for score in score_all(e, play(system, e))]
    return {row.metric: row for row in aggregate_all(scores)}


def test_silence_has_the_scores_of_silence() -> None:
    rows = rows_of(scripted.silent())
    assert rows["pauc"].value == 0.25
    for name in ("off_by_one", "temporal_iou", "pause_takeover", "turn_taking", "slots"):
        assert rows[name].value == 0.0
    for name in ("pass_at_1", "label", "answer", "refusal", "interruption_takeover"):
        assert rows[name].value == 0.0
    assert rows["yield"].value is None, "who was quiet cannot yield"
    assert rows["tool_f1"].value is None, "over episodes in which the turn was taken"
    assert rows["turn_taking"].no_response_rate == 1.0
    assert rows["refusal"].no_response_rate == 1.0, "an empty answer is no refusal"
    assert rows["overlap_user_backchannel"].quiet_rate == 1.0


def test_talking_always_wins_takeover_and_nothing_else() -> None:
    rows = rows_of(scripted.always_talks())
    assert rows["pause_takeover"].value == 1.0
    assert rows["yield"].value == 0.0
    assert rows["interruption_takeover"].value == 1.0, "the quirk of the official metric"
    assert rows["interruption_takeover"].latency_mean_ms == 0.0
    for name in ("interruption_takeover", "turn_taking", "yield"):
        assert rows[name].kept_talking_rate == 1.0, "what gives the cheat away"
    assert rows["turn_taking"].cut_in_rate == 1.0
    assert rows["overlap_user_interruption"].value == 0.0
    for name in ("off_by_one", "temporal_iou", "slots", "pass_at_1", "label", "answer", "refusal"):
        assert rows[name].value == 0.0


def test_the_oracle_has_the_best_value_everywhere() -> None:
    rows = rows_of(scripted.oracle())
    assert {name: row.value for name, row in rows.items()} == BEST
    assert all(row.n_censored == 0 for row in rows.values())
    assert rows["turn_taking"].kept_talking_rate == 0.0 == rows["turn_taking"].no_response_rate
    assert rows["turn_taking"].latency_mean_ms == 10.0 and rows["turn_taking"].cut_in_rate == 0.0
    assert rows["yield"].latency_mean_ms == 200.0
    assert rows["running_count"].latency_mean_ms == 0.0


def test_every_row_says_its_grader_and_its_detector() -> None:
    rows = rows_of(scripted.oracle())
    assert rows["turn_taking"].grader == "exact;vad=energy"
    assert rows["slots"].grader == "rule:v1;vad=energy"
    assert {row.grader.partition(";")[0] for row in rows.values()} == {"exact", "rule:v1"}


def test_the_panel_tells_the_agents_apart() -> None:
    kinds = [
        overlap("speech", "yield_then_respond", "which color is the sky"),
        overlap("backchannel", "continue", "uh huh", 3400),
        overlap("aside", "ignore", "put that on the table"),
        overlap("noise", "ignore", ""),
    ]

    def summary(system: System) -> dict[str, float | int | None]:
        return panel([(episode, play(system, episode)) for episode in kinds] * 10).summary()

    best, worst = summary(scripted.oracle()), summary(scripted.always_talks())
    assert best["yield_rate"] == 1.0 == best["selectivity"] == best["response_rate"]
    assert worst["yield_rate"] == 0.0 and worst["selectivity"] == 1.0
    assert worst["response_rate"] == 0.0, "it never begins after the user"
    quiet = summary(scripted.silent())
    assert quiet["response_rate"] == 0.0 and quiet["yield_rate"] is None


def spoken(path: Path, end_ms: int, *spans: tuple[int, int]) -> None:
    audio = np.zeros(end_ms * INPUT_RATE_HZ // 1000, dtype=np.float32)
    for start, end in spans:
        time = np.arange((end - start) * 16) / INPUT_RATE_HZ
        audio[start * 16 : end * 16] = 0.3 * np.cos(2 * np.pi * 200 * time)
    write_wav(path, audio, INPUT_RATE_HZ)


def test_the_endpointer_is_fooled_by_a_pause_and_stops_for_the_user(tmp_path: Path) -> None:
    spoken(tmp_path / "in.wav", 8000, (500, 2000), (3500, 4500))
    segments = (user("u0", 500, 2000), user("p", 2000, 3500, "pause"), user("u1", 3500, 4500))
    expect = (
        Expect("e", "wait", on="p"),
        Expect("f", "respond", on="u1", window=(4500, 7800)),
    )
    tracks = (Track("audio", "in.wav"),)
    episode = Episode("p", "t", 8000, tracks=tracks, segments=segments, expect=expect)

    def found(system: System) -> tuple[Trace, dict[str, Score]]:
        trace = play(system, episode, tmp_path)
        return trace, {score.metric: score for score in score_all(episode, trace)}

    trace, scores = found(scripted.vad_endpointer())
    assert scores["pause_takeover"].value == 1.0, "a cascade takes the pause for the end"
    assert trace.utterances[0].t1 <= 3800, "and stops when the user goes on"
    assert scores["turn_taking"].value == 1.0
    assert scores["turn_taking"].latency_ms in range(600, 1001)
    _, patient = found(scripted.vad_endpointer(pause_ms=1600, reply_ms=1200))
    assert patient["pause_takeover"].value == 0.0, "the control: a longer pause is waited for"
    assert patient["turn_taking"].latency_ms in range(1600, 2001)


def test_the_echo_says_what_it_hears_one_tick_later(tmp_path: Path) -> None:
    spoken(tmp_path / "in.wav", 4000, (1000, 2000))
    episode = Episode("e", "t", 4000, tracks=(Track("audio", "in.wav", gain_db=-6.0),))
    trace = play(scripted.echo(), episode, tmp_path)
    (only,) = trace.utterances
    assert abs(only.t0 - 1200) <= 2 and abs(only.t1 - 2200) <= 2
    heard = input_track(episode, tmp_path)
    assert np.abs(heard).max() == pytest.approx(0.3 * 10 ** (-6 / 20), abs=1e-3)


def test_output_sound_is_kept_beside_the_trace(tmp_path: Path) -> None:
    episode = episodes()[0]
    trace = play(replace(scripted.oracle(), out=tmp_path), episode)
    assert trace.audio is not None and trace.audio.sr == OUTPUT_RATE_HZ
    audio, rate_hz = read_wav(tmp_path / trace.audio.uri)
    assert len(audio) == episode.end_ms * rate_hz // 1000


def test_a_window_that_the_end_cuts_off_is_censored_not_failed() -> None:
    expect = (Expect("e", "respond", on="u0", window=(2000, 7000)),)
    short = Episode("s", "t", 2100, segments=(user("u0", 500, 2000),), expect=expect)
    (score,) = score_all(short, play(scripted.silent(), short))
    assert score.censored and score.value is None and score.outcome == "censored"
    longer = replace(short, tail_ms=5000)
    (score,) = score_all(longer, play(scripted.silent(), longer))
    assert score.value == 0.0 and score.outcome == "no_response"


def test_backchannels_of_the_agent() -> None:
    metric = backchannel_metric([1.0] * 55)
    episode = Episode("story", "t", 11_000)
    silent = metric.score(episode, play(scripted.silent(), episode))
    assert [score.value for score in silent] == [0, 0.0, 1.0]
    talks = metric.score(episode, play(scripted.always_talks(), episode))
    assert [score.value for score in talks] == [1, 0.0, 1.0]


def test_what_cannot_be_played_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MICROTURN_EVAL_ROOT", raising=False)
    silent = scripted.silent()
    with pytest.raises(ValueError, match="lacks its media"):
        play(silent, Episode("e", "t", 1000, missing=True))
    heard = Episode("e", "t", 1000, tracks=(Track("audio", "x.wav"),))
    with pytest.raises(ValueError, match="MICROTURN_EVAL_ROOT"):
        play(silent, heard)
    with pytest.raises(ValueError, match="no sound file"):
        play(silent, heard, tmp_path)
    seen = Episode("e", "t", 1000, tracks=(Track("video", "x.mp4"),))
    with pytest.raises(ValueError, match="frames_of"):
        play(silent, seen, tmp_path)


def test_images_and_text_come_in_their_tick(tmp_path: Path) -> None:
    seen: list[InputTick] = []

    class Watcher:
        name = "watcher"

        def open(self, episode: Episode) -> object:
            session = scripted.silent().open(episode)
            plain = session.policy
            session.policy = lambda inp: (seen.append(inp), plain(inp))[1]
            return session

    image = np.zeros((4, 4, 3), dtype=np.uint8)
    tracks = (Track("video", "x.mp4", at_ms=200, fps=5), Track("text", at_ms=450, text="hello"))
    episode = Episode("e", "t", 1000, tracks=tracks)
    play(Watcher(), episode, tmp_path, frames_of=lambda path, track: [(0, image), (250, image)])  # type: ignore[arg-type]
    assert [len(inp.frames) for inp in seen] == [0, 1, 1, 0, 0]
    assert [inp.text for inp in seen] == [(), (), ("hello",), (), ()]


def test_metrics_leave_episodes_alone_that_are_not_theirs() -> None:
    episode = Episode("e", "t", 1000)
    trace = play(scripted.always_talks(), episode)
    assert [metric.score(episode, trace) for metric in all_metrics()] == [[]] * len(all_metrics())
    assert len({metric.name for metric in all_metrics()}) == len(all_metrics())


def test_the_v1_5_score_is_of_four_scenarios_and_one_grader() -> None:
    oracle = [score for e in episodes() for score in score_all(e, play(scripted.oracle(), e))]
    assert v1_5(oracle) == 1.0
    with pytest.raises(ValueError, match=r"missing: \['background_speech'\]"):
        v1_5([score for score in oracle if score.metric != "overlap_background_speech"])
    judged = [replace(score, grader="judge:m") for score in oracle[:8]]
    with pytest.raises(ValueError, match="one grader"):
        v1_5(oracle + judged)


def test_a_metric_makes_a_row_of_each_of_its_names() -> None:
    episode = next(e for e in episodes() if e.id == "count")
    metric = next(metric for metric in all_metrics() if metric.name == "count")
    scores = metric.score(episode, play(scripted.oracle(), episode))
    names = [row.metric for row in metric.aggregate(scores)]
    assert names == ["off_by_one", "count_error", "running_count"]
    with pytest.raises(ValueError, match="one grader"):
        metric.aggregate([*scores, replace(scores[0], grader="judge:m")])


def test_turns_of_one_episode_do_not_count_for_each_other() -> None:
    pause = (user("u1", 6000, 7000), user("p", 7000, 8000, "pause"), user("u2", 8000, 9000))
    expect = (
        Expect("e0", "respond", on="u0", window=(2000, 5000)),
        Expect("e1", "wait", on="p"),
        Expect("e2", "respond", on="u2", window=(9000, 11_000)),
    )
    segments = (user("u0", 500, 2000), *pause)
    episode = Episode("two", "t", 12_000, segments=segments, expect=expect)
    scores = score_all(episode, play(scripted.oracle(), episode))
    assert [(s.metric, s.value) for s in scores] == [
        ("turn_taking", 1.0),
        ("turn_taking", 1.0),
        ("pause_takeover", 0.0),
    ]
    assert scores[2].detail["whole_output"] == 1


def test_late_slots_are_measured_against_their_time() -> None:
    times = (2000, 4000, 6000)
    expect = tuple(
        Expect(f"e{t}", "say", window=(t - 500, t + 500), accept=("beep",), at_ms=t) for t in times
    )
    episode = Episode("beat", "t", 8000, expect=expect)
    (score,) = score_all(episode, play(scripted.oracle(), episode))
    assert score.value == 1.0 and score.detail["errors_ms"] == [0, 0, 0]
    assert score.detail["drift_ms"] == 0.0 == score.detail["false_alarms_per_minute"]
