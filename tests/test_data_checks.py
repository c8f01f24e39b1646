"""The check finds each fault that is put in, and none in what the skills make."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from microturn import cli
from microturn.data import checks
from microturn.data.bank import Bank
from microturn.data.checks import (
    CheckConfig,
    Report,
    check,
    check_one,
    coverage,
    sound_faults,
    time_faults,
    transcript_delays,
    word_faults,
)
from microturn.data.kept import Kept
from microturn.data.mix import Sound
from microturn.data.render import lanes, render
from microturn.data.split import split_of
from microturn.data.talk import Talk
from microturn.data.timeline import Expect, Mark, Timeline, Typed
from microturn.signal.text import normalise
from tests.tones import SENTENCES, ToneBank, shipped_text, tone_bank

NOTHING = Kept({}, {}, frozenset(), frozenset())


def timeline() -> Timeline:
    """A question and its answer, twice."""
    talk = Talk(tone_bank(), random.Random(1), "af_alloy", now_ms=700)
    for question, answer in (
        ("What is the capital of Japan?", "It is Tokyo."),
        ("What is nine plus four?", "That is thirteen."),
    ):
        talk.user(question, wait_ms=600)
        talk.own(answer)
    return talk.timeline(12_000, ("questions",))


def kinds(changed: Timeline) -> set[str]:
    return {kind for kind, _ in time_faults(changed)}


def with_own(changed: Timeline, **how: Any) -> Timeline:
    """The first own event changed."""
    number = next(i for i, e in enumerate(changed.events) if e.side == "own")
    events = list(changed.events)
    events[number] = replace(events[number], **how)
    return replace(changed, events=tuple(events))


def test_faults_of_time_are_found():
    sound = timeline()
    assert kinds(sound) == set()
    last = next(e for e in reversed(sound.events) if e.side == "own")
    far = sound.duration_ms + 200
    assert kinds(with_own(sound, onset_ms=3101)) == {"grid"}
    assert kinds(with_own(sound, cut_ms=last.onset_ms + 7)) >= {"grid"}
    assert kinds(with_own(sound, end_ms=last.onset_ms + 300)) == {"own overlap"}
    assert kinds(with_own(sound, cut_ms=0)) == {"outside"}
    assert kinds(with_own(sound, onset_ms=far)) >= {"outside"}
    for name, item in (
        ("typed", Typed("user", "hello", far)),
        ("typed", Typed("user", "hello", -1)),
        ("marks", Mark("cue", "word", far, far)),
        ("expects", Expect("respond", (100, far))),
    ):
        assert kinds(replace(sound, **{name: (item,)})) == {"outside"}
    asked = replace(sound, expects=(Expect("respond", (100, 900), on_ms=123),))
    assert kinds(asked) == {"expectation"}


class Wrong(ToneBank):
    """The words of its clips are where `shift_ms` puts them."""

    shift_ms = 0

    def utterance(self, clip: Any) -> Any:
        found = super().utterance(clip)
        return replace(
            found,
            words=tuple(
                replace(w, start_ms=w.start_ms + self.shift_ms, end_ms=w.end_ms + self.shift_ms)
                for w in found.words
            ),
        )


@pytest.mark.parametrize(("shift_ms", "wrong"), [(0, set()), (5000, {"words"}), (-500, {"words"})])
def test_words_lie_in_the_sound(shift_ms: int, wrong: set[str]) -> None:
    bank = Wrong([])
    bank.shift_ms = shift_ms
    assert {kind for event in timeline().events for kind, _ in word_faults(event, bank)} == wrong


def test_length_of_an_event_is_that_of_its_sound():
    event = timeline().events[0]
    longer = replace(event, end_ms=event.end_ms + 1)
    assert [kind for kind, _ in word_faults(longer, tone_bank())] == ["length"]


def test_delays_of_the_transcript():
    bank, text, sound = tone_bank(), shipped_text(), timeline()
    lines, _ = lanes(sound, bank, text)
    delays, lost = transcript_delays(sound, bank, text, lines)
    num_words = sum(len(e.text.split()) for e in sound.events if e.side == "user")
    assert len(delays) == num_words
    assert set(delays) <= {1, 2, 3}
    assert lost == []
    late = [(), (), *lines[:-2]]  # the same, two micro-turns later
    assert transcript_delays(sound, bank, text, late)[0] == [delay + 2 for delay in delays]
    gone = [ids if index < 12 else () for index, ids in enumerate(lines)]
    found, lost = transcript_delays(sound, bank, text, gone)
    assert len(found) + len(lost) == num_words
    assert "is never written" in lost[0]


def faults_of(changed: Timeline, known: Kept) -> dict[str, list[str]]:
    report = Report()
    check_one(changed, tone_bank(), shipped_text(), known, report)
    return report.faults


def test_what_evaluation_keeps_is_found():
    sound, asked = timeline(), "what is nine plus four?"
    listed = frozenset(
        {asked, "it is tokyo.", "that is thirteen.", "what is the capital of japan?"}
    )
    known = replace(NOTHING, listed=listed)
    assert faults_of(sound, known) == {}
    kept = replace(known, texts={asked: "sums"})
    assert set(faults_of(sound, kept)) == {"phrasing"}
    assert faults_of(replace(sound, families=("questions", "sums")), kept) == {}  # its own skill
    assert set(faults_of(sound, replace(known, sentences=frozenset({asked[:-1]})))) == {"sentence"}
    typed = replace(sound, events=(), expects=(), typed=(Typed("user", asked, 200),))
    assert set(faults_of(typed, kept)) == {"phrasing"}
    event = sound.events[0]
    for changes in ({"voice": "bm_lewis"}, {"split": "validation"}):
        clip = replace(event.clip, **changes)
        heard = replace(sound, events=(replace(event, clip=clip),), expects=())
        assert set(faults_of(heard, known)) == {"voice"}


def test_open_sentences_are_split_by_their_letters():
    event = timeline().events[0]
    for split in ("train", "eval"):
        text = next(t for t in SENTENCES if split_of(t) == split)
        heard = replace(timeline(), events=(replace(event, text=text),), expects=())
        listed = replace(NOTHING, listed=frozenset({normalise(text)}))
        assert set(faults_of(heard, NOTHING)) == ({"sentence"} if split == "eval" else set())
        assert faults_of(heard, listed) == {}  # those are split by their place


def test_sound_faults():
    episode = render(timeline(), tone_bank(), shipped_text(), Sound(0.5))
    assert list(sound_faults(episode)) == []
    assert list(sound_faults(replace(episode, turns=episode.turns[:-1])))
    mel = episode.mel.copy()
    mel[3, 0, 0] = float("nan")
    assert list(sound_faults(replace(episode, mel=mel)))
    features, decision = episode.turns[5]
    loud = replace(features, heard_AM=features.heard_AM + 20)
    turns = [*episode.turns[:5], (loud, decision), *episode.turns[6:]]
    assert [kind for kind, _ in sound_faults(replace(episode, turns=turns))] == ["sound"]


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    return check(tone_bank(), shipped_text(), CheckConfig(count=30, num_rendered=1))


def test_what_the_skills_make_has_no_fault(result: dict[str, Any]) -> None:
    assert result["faults"] == {}
    assert result["is_ok"]
    assert set(result["transcript_delay_turns"]) <= {1, 2, 3, 4, 5, 6}
    assert result["num_kept_texts"] > 300
    assert result["coverage"]["questions"] == {"user": 1.0, "own": 1.0}
    balance = result["balance"]
    assert balance["episodes"] == 30
    assert 0.1 < balance["floor_speak_share"] < 0.5
    assert set(result["published"]) <= set(balance)


def test_coverage():
    assert coverage(Bank([]), ["questions", "reading"]) == {
        "questions": {"user": 0.0, "own": 0.0},
        "reading": {"user": 1.0, "own": 1.0},
    }


def test_command(result: dict[str, Any], monkeypatch: Any, capsys: Any) -> None:
    asked: list[tuple[tuple[Path, ...], CheckConfig]] = []

    def check_banks(paths: Any, tokenizer: Path, config: CheckConfig) -> dict[str, Any]:
        asked.append((paths, config))
        return found

    monkeypatch.setattr(checks, "check_banks", check_banks)
    found = {**result, "by_family": {"questions": result["balance"]}}
    line = ["data", "check", "--bank", "one", "--count", "7", "--families", "questions"]
    assert cli.main(line) == 0
    assert "no faults" in capsys.readouterr().out
    assert asked == [((Path("one"),), CheckConfig(7, ("questions",)))]
    found = {
        **result,
        "is_ok": False,
        "num_faults": {"grid": 2},
        "faults": {"grid": ["own 'yes' begins at 7 ms"]},
    }
    assert cli.main([*line, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["num_faults"] == {"grid": 2}
    assert cli.main(line) == 1
    assert "own 'yes' begins at 7 ms" in capsys.readouterr().out
    assert cli.main([*line[:4], "--count", "0"]) == 2
    assert "count must be at least 1, got 0" in capsys.readouterr().err


def test_an_unusable_bank_is_one_line(tmp_path: Path, capsys: Any) -> None:
    assert cli.main(["data", "check", "--bank", str(tmp_path)]) == 2
    assert "no speech bank at" in capsys.readouterr().err
    (tmp_path / "manifest.jsonl").write_text("")
    assert cli.main(["data", "check", "--bank", str(tmp_path)]) == 2
    assert "has no user clips" in capsys.readouterr().err
