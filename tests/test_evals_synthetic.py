"""Synthetic episodes: the reference is perfect by their expectations, cheats are not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from microturn.data.bank import Bank
from microturn.data.kokoro import KokoroFiles
from microturn.data.split import split_of
from microturn.data.timeline import Timeline
from microturn.data.voices import may_train
from microturn.evals import eval_bank, scripted
from microturn.evals.episode import Episode
from microturn.evals.eval_bank import EvalBank, open_sentences, own_ms
from microturn.evals.expectations import acknowledgements
from microturn.evals.groups import GROUPS, chosen
from microturn.evals.metrics_talk import score_talk
from microturn.evals.play import play
from microturn.evals.record import Score
from microturn.evals.spoken import says
from microturn.evals.synthetic import Plan, Synthetic, compose, frames_of, sound_of
from microturn.scenarios import families, memory, timer_once
from tests.tones import tone_bank

LOWER = {"unasked", "pause_takeover", "over_refusal", "said", "heard"}
TRIED = (
    ("turn_taking", "turn_end"),
    ("turn_taking", "quiet"),
    ("overlap", "interruption"),
    ("overlap", "backchannel"),
    ("overlap", "aside"),
    ("time_speak", "timer_once"),
    ("time_speak", "countdown"),
    ("cue_speak", "cue_word"),
    ("tools", "tools"),
    ("knowledge", "memory"),
    ("instructions", "typed"),
    ("refusal", "refusal"),
    ("hearing", "listening"),
    ("saying", "reading"),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Synthetic:
    return Synthetic(tmp_path_factory.mktemp("media"), tone_bank())


def scores_of(data: Synthetic, agent: scripted.Scripted, episode: Episode) -> list[Score]:
    return score_talk(episode, play(agent, episode, data.root, frames_of=frames_of))


@cache
def episodes_of(data: Synthetic) -> tuple[Episode, ...]:
    return tuple(data.episode(Plan(g, s, n)) for g, s in TRIED for n in (0, 1))


def named(scores: list[Score], metric: str) -> list[float]:
    return [s.value for s in scores if s.metric == metric and s.value is not None]


def test_the_reference_is_perfect(data: Synthetic) -> None:
    seen: set[str] = set()
    for episode in episodes_of(data):
        for score in scores_of(data, scripted.oracle(), episode):
            wanted = 0.0 if score.metric in LOWER else 1.0
            assert score.value == wanted, (episode.id, score)
            seen.add(score.metric)
    assert {"response", "right", "slots", "overlap", "handed", "query", "silence"} <= seen


def test_a_late_reference_is_not(data: Synthetic) -> None:
    (episode,) = [e for e in episodes_of(data) if e.id == "turn_taking/turn_end/0/clean"]
    late = [[a + 4000, b + 4000, text] for a, b, text in episode.raw["own"]]
    moved = replace(episode, raw=episode.raw | {"own": late}, tail_ms=5000)
    trace = play(scripted.oracle(), moved, data.root)
    scores = score_talk(episode, replace(trace, episode=episode.id))
    assert 0.0 in named(scores, "response") and 0.0 in named(scores, "right")
    assert named(scores, "unasked") != [0.0]


def test_silence_answers_nothing_and_always_talking_intrudes(data: Synthetic) -> None:
    silent = [s for e in episodes_of(data) for s in scores_of(data, scripted.silent(), e)]
    assert set(named(silent, "response")) == set(named(silent, "slots")) == {0.0}
    assert set(named(silent, "unasked")) == {0.0} and set(named(silent, "silence")) == {1.0}
    talks = [s for e in episodes_of(data) for s in scores_of(data, scripted.always_talks(), e)]
    assert set(named(talks, "pause_takeover")) == {1.0}
    assert set(named(talks, "right")) == {0.0}
    assert set(named(talks, "overlap_interruption")) == {0.0}


def test_an_episode_is_a_function_of_seed_skill_and_number(data: Synthetic) -> None:
    plan = Plan("knowledge", "facts", 3)
    first, sound = data.episode(plan), (data.root / "knowledge_facts_3_clean.wav").read_bytes()
    assert data.episode(plan) == first
    assert (data.root / "knowledge_facts_3_clean.wav").read_bytes() == sound
    assert data.episode(replace(plan, number=4)).segments != first.segments
    noisy = data.episode(replace(plan, variant="noisy"))
    assert noisy.segments == first.segments
    assert (data.root / "knowledge_facts_3_noisy.wav").read_bytes() != sound


def test_every_interruption_episode_holds_an_interruption(data: Synthetic) -> None:
    """A talk of the skill may be heard out; such an episode would measure nothing."""
    for number in range(8):
        episode = data.episode(Plan("overlap", "interruption", number))
        (event,) = episode.wanted("yield_then_respond")
        assert episode.segment(event.on or "").overlap


def test_noisy_episodes_hold_no_echo_of_an_answer_nobody_gave() -> None:
    for number in range(40):
        sound = sound_of("facts", number, "noisy")
        assert sound.echo == 0 and sound.noise >= 0.004


def test_plans_take_turns_over_the_groups() -> None:
    plans = Synthetic(Path(), tone_bank()).plans(2)
    firsts = [plan.group for plan in plans[: len(GROUPS)]]
    assert len(set(firsts)) == len(firsts) and len({plan.id for plan in plans}) == len(plans)
    assert plans[-1].number == 1
    assert len(Synthetic(Path(), tone_bank()).plans(None, {g.name: 0 for g in GROUPS})) == 0


def test_every_skill_of_a_group_is_one_and_names_are_checked() -> None:
    assert all(set(group.skills) <= set(families()) for group in GROUPS)
    with pytest.raises(ValueError, match="no group nonsense; there are turn_taking"):
        chosen(("nonsense",))
    with pytest.raises(ValueError, match="no skill 'nonsense'; there are"):
        compose("nonsense", 0, tone_bank(), 10_000)


def test_a_bank_that_lacks_the_texts_is_told() -> None:
    with pytest.raises(ValueError, match="no talk of facts could be made: the bank has no"):
        compose("facts", 0, tone_bank_of("rms"), 10_000)


class Blinking:
    def image(self, time_ms: int) -> np.ndarray:
        return np.full((120, 160, 3), time_ms // 200, dtype=np.uint8)


def test_what_is_shown_keeps_its_times(tmp_path: Path) -> None:
    data = Synthetic(tmp_path, tone_bank())
    timeline = Timeline(2400, (), scene=Blinking(), scene_ms=(300, 2000))
    track = data.video_track(Plan("shown", "show_and_ask", 0), timeline)
    assert track.at_ms == 400, "the pair that closes in a micro-turn begins in the one before"
    frames = list(frames_of(tmp_path / str(track.uri), track))
    assert [time_ms for time_ms, _ in frames] == list(range(0, 1600, 200))
    assert all(image[0, 0, 0] == 2 + place for place, (_, image) in enumerate(frames))


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("it is oslo.", True),
        ("Oslo, of course.", True),
        ("it is bergen.", False),
        ("the capital of norway.", False),
        ("", False),
    ],
)
def test_an_answer_is_right_by_what_it_is_about(text: str, is_right: bool) -> None:
    assert says(text, "It is Oslo.", "What is the capital of Norway?") is is_right


def test_every_way_to_take_note_is_one_that_is_accepted_for_another() -> None:
    known = set(acknowledgements())
    assert {*memory.ACKNOWLEDGED, *timer_once.ACKNOWLEDGED} <= known
    assert memory.UNKNOWN not in known  # control


def test_long_answers_need_half_of_their_words() -> None:
    form = "Boil fresh water and warm the pot with leaves"
    assert says("boil fresh water and warm", form)
    assert not says("boil fresh", form)
    assert says("that is 13", "That is thirteen.")


# ---- the bank


def test_without_a_speech_program_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ValueError, match="apt install flite"):
        EvalBank(tmp_path)


def test_voices_are_kept_ones_and_kokoro_is_only_taken_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers compare between machines: what is installed does not decide who speaks."""
    for name in ("a", *eval_bank.KOKORO_VOICES):
        (tmp_path / f"{name}.bin").write_bytes(b"")
    files = KokoroFiles((), tmp_path / "none.json", tmp_path)
    monkeypatch.setattr(eval_bank, "find_kokoro", lambda: files)
    assert all(not may_train(v) for _, kept in eval_bank.ENGINES.values() for v in kept
               if v not in eval_bank.ESPEAK_VOICES)  # fmt: skip
    program, voices = eval_bank.voices_here("kokoro")
    assert program.name == "kokoro" and voices == eval_bank.KOKORO_VOICES
    monkeypatch.setattr(eval_bank.Flite, "voices", lambda self: ["rms", "awb"])
    assert eval_bank.voices_here()[1] == ("rms",), "awb trains"
    monkeypatch.setattr(eval_bank.Flite, "voices", lambda self: [])
    monkeypatch.setattr(eval_bank.Espeak, "voices", lambda self: ["en-us"])
    assert eval_bank.voices_here()[1] == eval_bank.ESPEAK_VOICES
    with pytest.raises(ValueError, match="flite has no voice kept for evaluation"):
        eval_bank.voices_here("flite")
    with pytest.raises(ValueError, match="no voices 'alexa'; there are auto, flite, espeak-ng"):
        eval_bank.voices_here("alexa")


def test_training_voices_do_not_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        eval_bank.Bank, "load", lambda paths, for_training: tone_bank_of("af_alloy")
    )
    with pytest.raises(ValueError, match="no user voice that is kept for evaluation"):
        EvalBank.load(["somewhere"])
    monkeypatch.setattr(eval_bank.Bank, "load", lambda paths, for_training: tone_bank_of("rms"))
    bank = EvalBank.load(["somewhere"])
    assert bank.voices == ["rms"]
    (clip,) = bank.choices("own", "It is Oslo.")
    assert bank.utterance(clip).duration_ms == own_ms("It is Oslo.")


def tone_bank_of(voice: str) -> Bank:
    clips = [c for clips in tone_bank().user.values() for c in clips if c.voice == "af_alloy"][:3]
    return Bank([replace(clip, voice=voice) for clip in clips], for_training=False)


def test_open_sentences_are_kept_ones() -> None:
    texts = open_sentences()
    assert len(texts) > 80 and len(set(texts)) == len(texts)
    assert {split_of(text) for text in texts} == {"eval"}
