"""The cascade: when it answers, when it falls silent, what it does with a wrong end."""

from __future__ import annotations

import importlib.util
import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from microturn.evals.cascade import CascadeConfig, CascadeSession
from microturn.evals.episode import Episode, Expect, Segment, Track
from microturn.evals.interfaces import InputTick
from microturn.evals.metrics import score_all
from microturn.evals.play import play
from microturn.evals.record import SystemFacts
from microturn.evals.timeline import play_times
from microturn.signal.wav import write_wav
from tests.cascade_parts import HANGOVER_MS, START_MS, WORD_MS, Parrot, cascade, converse, voice_of

STEP_MS, FADE_MS = 20, 5
REPLY_MS = 6 * WORD_MS


def loud_ms(sound: np.ndarray) -> tuple[int, int]:
    """First and last sound of an output in ms; a step's output plays after the step."""
    loud = np.flatnonzero(np.abs(sound) > 1e-4)
    return int(loud[0]) // 24 + STEP_MS, -(-int(loud[-1]) // 24) + STEP_MS


@pytest.mark.parametrize("tick_ms", [20, 200, 500])
def test_it_answers_at_the_end_of_the_hangover(tick_ms: int) -> None:
    trace, sound = converse(cascade(["hello"]), [(400, 1000)], 4000, tick_ms)
    onset_ms = 1000 + HANGOVER_MS
    assert loud_ms(sound) == (onset_ms, onset_ms + REPLY_MS)
    (said,) = trace.utterances
    assert (said.t0, said.t1) == (onset_ms, onset_ms + REPLY_MS)
    assert said.text == "one two three four five six"
    for k, (_, word_ms, _) in enumerate(said.words):
        assert 0 <= word_ms - (onset_ms + WORD_MS * k) < STEP_MS, "a word is where its sound is"
    written = {tick.in_ms[1]: tick.heard for tick in trace.ticks if tick.heard}
    assert written == {onset_ms: "hello"}, "the transcript comes when the turn is over"
    assert len(trace.ticks) == 4000 // STEP_MS, "one tick a step, whatever was given"


def test_a_pause_inside_a_turn_is_not_answered() -> None:
    system = cascade(["hello"])
    _, sound = converse(system, [(400, 1000), (1000 + HANGOVER_MS - 20, 2200)], 5000)
    assert loud_ms(sound)[0] == 2200 + HANGOVER_MS
    before, speech, after = 300, 1800, 200
    assert system.recogniser.heard_ms == [before + speech + after], "one turn, with its edges"


def test_barge_in_stops_the_sound() -> None:
    mind = Parrot()
    barge_ms = 3000  # 1.5 s into the reply
    _, sound = converse(cascade(["hello", "another"], mind), [(400, 1000), (barge_ms, 4000)], 4400)
    end_ms = loud_ms(sound)[1]
    assert barge_ms + START_MS <= end_ms <= barge_ms + START_MS + FADE_MS
    assert mind.cuts == ["one two three four five six"]
    shorter = Parrot()
    converse(cascade(["hello", "another"], shorter), [(400, 1000), (2600, 3500)], 3600)
    assert shorter.cuts == ["one two three four five"], "what was heard: 1.3 s of six words"


def test_a_sound_shorter_than_a_turn_does_not_stop_it() -> None:
    _, sound = converse(cascade(["hello"]), [(400, 1000), (2600, 2780)], 4400)
    assert loud_ms(sound)[1] == 1500 + REPLY_MS


@pytest.mark.parametrize("heard", ["Mm-hm.", "Yeah, right.", ""])
def test_it_goes_on_after_a_hum(heard: str) -> None:
    mind = Parrot()
    trace, _ = converse(cascade(["hello", heard], mind), [(400, 1000), (2600, 3000)], 6000)
    first, second = trace.utterances
    assert (first.t0, first.t1) == (1500, 2600 + START_MS + FADE_MS)
    assert second.t0 == 3000 + HANGOVER_MS
    assert second.t1 - second.t0 == REPLY_MS - (2800 - 1500), "the rest, no word twice"
    assert mind.asked == ["hello"]
    config = CascadeConfig(resumes=False)
    trace, _ = converse(cascade(["hello", heard], config=config), [(400, 1000), (2600, 3000)], 6000)
    second_ms = [u.t1 - u.t0 for u in trace.utterances[1:]]
    assert second_ms == ([REPLY_MS] if heard else [])


def test_an_answer_to_half_a_turn_is_taken_back() -> None:
    system = cascade(["what is", "what is two plus two"])
    spans = [(400, 1000), (2000, 2600)]  # the user goes on half a second into the reply
    trace, _ = converse(system, spans, 5000)
    assert system.recogniser.heard_ms == [300 + 600 + 200, 1100 + 1100], "both halves together"
    written = "".join(f" {tick.heard}" for tick in trace.ticks if tick.heard).split()
    assert written == ["what", "is", "two", "plus", "two"], "the first half is not written twice"
    late = cascade(["what is", "two"])
    converse(late, [(400, 1000), (2600, 3200)], 5000)
    assert late.recogniser.heard_ms == [1100, 1100], "after a second it is a turn of its own"


def test_what_is_planned_is_said_when_due_or_when_the_user_is_done() -> None:
    trace, _ = converse(cascade(["later"]), [(400, 1000)], 7000)
    due = [u.t0 for u in trace.utterances]
    assert due[0] == 1500
    # Due 2 s after the request, while the reply sounds: then after it; and again after 1.5 s.
    assert trace.utterances[0].text.endswith("six now")
    assert due[1:] == [4500, 6000]
    trace, _ = converse(cascade(["later", "stop"]), [(400, 1000), (3800, 4600)], 9000)
    assert [u.t0 for u in trace.utterances] == [1500, 4600 + HANGOVER_MS]


def test_typed_text_is_answered_at_once() -> None:
    system = cascade([])
    session = system.open(Episode("e", "t", 4000))
    for k in range(20):
        text = ("hello",) if k == 2 else ()
        session.step(InputTick(k, 200 * k, np.zeros(3200, np.float32), text=text))
    (said,) = session.close().utterances
    assert said.t0 == 400 + STEP_MS


def test_an_update_is_said_when_nobody_speaks() -> None:
    session = cascade([]).open(Episode("e", "t", 3000))
    audio = voice_of([(0, 900)], 3000)
    for k in range(15):
        updates = ("it is done",) if k == 2 else ()
        part = audio[3200 * k : 3200 * (k + 1)]
        inp = InputTick(k, 200 * k, part, updates=updates)
        session.system.recogniser.texts = [""]
        session.step(inp)
    (said,) = session.close().utterances
    assert (said.t0, said.text) == (900 + HANGOVER_MS, "it is done")


def test_compute_is_in_the_ticks_or_delays_the_reply() -> None:
    def ticking() -> float:
        return 0.05 * next(clock)

    clock = itertools.count()
    trace, sound = converse(cascade(["hello"], stopwatch=ticking), [(400, 1000)], 4000)
    assert loud_ms(sound)[0] == 1500, "audio time knows no compute"
    at = 1500 // STEP_MS - 1
    slow = trace.ticks[at].compute_ms
    assert slow > 4 * trace.ticks[at - 1].compute_ms
    wall = play_times(trace.ticks, replace(trace.system, clock="wallclock"))
    assert wall[at] >= 1500 + slow
    clock = itertools.count()
    trace, sound = converse(
        cascade(["hello"], clock="wallclock", stopwatch=ticking), [(400, 1000)], 4000
    )
    assert loud_ms(sound)[0] == 1500 + 160, "three measured parts of 50 ms, in steps of 20"
    assert trace.ticks[at].compute_ms < slow - 100, "and is not counted twice"


def test_a_reply_that_is_not_ready_is_dropped_when_the_user_goes_on() -> None:
    system = cascade(["what is", "what is two"], clock="wallclock", stopwatch=Slow())
    _, sound = converse(system, [(400, 1000), (1600, 2200)], 8000)
    assert system.recogniser.heard_ms == [1100, 2200], "the halves together"
    assert loud_ms(sound) == (2700 + 3000, 2700 + 3000 + REPLY_MS), "one reply, not that of 4500 ms"


class Slow:
    """A stopwatch on which every measured part takes a second."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 1.0
        return self.now_s


def test_wrong_ticks_are_refused() -> None:
    session = cascade([]).open(Episode("e", "t", 4000))
    with pytest.raises(ValueError, match="multiple of 320"):
        session.step(InputTick(0, 0, np.zeros(100, np.float32)))
    with pytest.raises(ValueError, match="steps of 20 ms"):
        replace(cascade([]), facts=SystemFacts("cascade"))


def test_it_is_scored_as_any_system(tmp_path: Path) -> None:
    write_wav(tmp_path / "in.wav", voice_of([(400, 1000)], 1000), 16_000)
    episode = Episode(
        "e",
        "t",
        1000,
        tail_ms=3000,
        tracks=(Track("audio", "in.wav"),),
        segments=(Segment("u", "user", 400, 1000, "speech"),),
        expect=(Expect("e", "respond", on="u"),),
    )
    trace = play(cascade(["hello"]), episode, tmp_path)
    (score,) = score_all(episode, trace)
    assert (score.metric, score.value, score.latency_ms) == ("turn_taking", 1.0, HANGOVER_MS)


def test_real_ears_and_a_real_voice(tmp_path: Path) -> None:
    if importlib.util.find_spec("silero_vad") is None or shutil.which("flite") is None:
        pytest.skip("needs silero-vad and flite")
    from microturn.data.programs import Flite
    from microturn.evals.synthesiser import load_synthesiser
    from microturn.evals.turn_detector import load_ears
    from microturn.signal.wav import to_rate

    asked = Flite().speak("what is the capital of france", "rms", 1.0)
    speech = to_rate(asked.audio, asked.rate_hz, 16_000)
    audio = np.concatenate([np.zeros(8000, np.float32), speech, np.zeros(48_000, np.float32)])
    size_ms = len(audio) // 3200 * 200
    system = replace(
        cascade(["the capital"]), ears=load_ears(), synthesiser=load_synthesiser("flite")
    )
    session: CascadeSession = system.open(Episode("e", "t", size_ms))
    for k in range(size_ms // 200):
        session.step(InputTick(k, 200 * k, audio[3200 * k : 3200 * (k + 1)]))
    (said,) = session.close().utterances
    assert asked.words is not None
    end_ms = 500 + asked.words[-1].end_ms
    assert end_ms + 300 < said.t0 < end_ms + 800
    assert said.text == "one two three four five six"
