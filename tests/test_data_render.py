"""Alignment of sound, text and decisions, checked against the waveforms."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from microturn.data.loader import compose, weights
from microturn.data.mix import Sound
from microturn.data.render import (
    CUT_FADE_MS,
    HEARD_LAG_MS,
    SAID_LEAD_MS,
    own_track,
    render,
    user_track,
)
from microturn.data.sounding import while_it_sounds
from microturn.data.talk import Talk
from microturn.data.timeline import Timeline
from microturn.sequence import MAX_TEXT_TOKENS, lay_lanes, split_lanes, typed_message
from microturn.signal.mel import (
    OUTPUT_HOP,
    SILENT_MEL,
    HeardState,
    SaidState,
    fine_bins,
    heard_bins,
    output_mel,
    said_bins,
)
from microturn.signal.text import normalise
from microturn.turns import INPUT_SAMPLES, MICRO_TURN_MS, OUTPUT_SAMPLES
from tests.tones import shipped_text, tone_bank

SILENCE = Sound(1.0, 0.0, 1)


def conversation(seed: int, family: str | None = None) -> Timeline:
    names = ("questions", "reminder", "interruption") if family is None else (family,)
    return compose(random.Random(seed), tone_bank(), weights(dict.fromkeys(names, 1.0)), 24_000)


def rendered(timeline: Timeline, sound: Sound = SILENCE):
    return render(timeline, tone_bank(), shipped_text(), sound)


def lanes_of(episode):
    return [split_lanes(decision.text_ids, shipped_text().markers) for _, decision in episode.turns]


def test_speaks_one_interval_before_the_sound():
    timeline = conversation(1)
    episode, own = rendered(timeline), own_track(timeline, tone_bank())
    intervals = own.reshape(-1, OUTPUT_SAMPLES)
    assert len(intervals) == len(episode.turns) + 1
    speaks = [decision.speaks for _, decision in episode.turns]
    for index, decided in enumerate(speaks):
        if np.abs(intervals[index + 1]).max() > 0:
            assert decided
    assert 0 < sum(speaks) < len(speaks)
    shifted = [
        np.abs(intervals[index]).max() > 0 and not speaks[index] for index in range(len(speaks))
    ]
    assert any(shifted)  # the same check one interval off fails


def test_features_are_the_tracks_of_the_same_interval():
    timeline = conversation(2)
    sound = Sound(0.7, 0.002, 5)
    episode = rendered(timeline, sound)
    user = torch.from_numpy(user_track(timeline, tone_bank(), sound))
    heard, _ = heard_bins(user, HeardState())
    fine = fine_bins(user, HeardState())
    said, _ = said_bins(torch.from_numpy(own_track(timeline, tone_bank())), SaidState())
    before = False
    for index, (features, decision) in enumerate(episode.turns):
        frames = slice(4 * index, 4 * index + 4)
        assert features.index == index
        assert torch.equal(features.heard_AM, heard[frames])
        assert torch.equal(features.fine_AFM, fine[frames])
        assert (features.said_AM is not None) == before
        if features.said_AM is not None:
            assert torch.equal(features.said_AM, said[frames])
        before = decision.speaks


def test_mel_is_what_sounds_next():
    timeline = conversation(3)
    episode = rendered(timeline)
    mel = output_mel(torch.from_numpy(own_track(timeline, tone_bank()))).numpy().astype(np.float16)
    num_frames = OUTPUT_SAMPLES // OUTPUT_HOP
    for index, (_, decision) in enumerate(episode.turns):
        wanted = mel[(index + 1) * num_frames : (index + 2) * num_frames]
        if decision.speaks:
            np.testing.assert_array_equal(episode.mel[index], wanted)
        else:
            assert (episode.mel[index] == np.float16(SILENT_MEL)).all()


def test_last_micro_turn_has_its_sound():
    talk = Talk(tone_bank(), random.Random(0), now_ms=100)
    talk.user("Tell me a story.")
    talk.own("It is Paris.")
    onset_ms = talk.events[1].onset_ms
    episode = rendered(talk.timeline(onset_ms + 200, ()))
    assert episode.turns[-1][1].speaks
    assert episode.mel[-1].max() > SILENT_MEL + 1


@pytest.mark.parametrize("seed", range(4))
def test_said_text_goes_with_its_sound(seed):
    """A word's first piece is written where its start is generated, up to SAID_LEAD_MS early."""
    timeline, text, bank = conversation(seed), shipped_text(), tone_bank()
    episode = rendered(timeline)
    lanes = lanes_of(episode)
    for event in timeline.events:
        if event.side == "user" or event.onset_ms + 2000 > timeline.duration_ms:
            continue
        first, last = event.onset_ms // MICRO_TURN_MS - 1, event.audible_end_ms // MICRO_TURN_MS
        span = range(first, min(last, len(lanes)))
        written = "".join(text.decode(lanes[index][1]) for index in span)
        if event.cut_ms is None and event.end_ms < timeline.duration_ms:
            assert written == " " + normalise(event.text)
            assert not event.text.endswith(".") or written.endswith(".")
        at_ms = [
            (index + 1) * MICRO_TURN_MS
            for index in span
            for token_id in lanes[index][1]
            if text.decode([token_id]).startswith(" ")
        ]
        for word, start_ms in zip(bank.utterance(event.clip).words, at_ms, strict=False):
            sound_ms = event.onset_ms + word.start_ms
            assert start_ms <= sound_ms + SAID_LEAD_MS < start_ms + MICRO_TURN_MS + SAID_LEAD_MS


@pytest.mark.parametrize("seed", range(4))
def test_heard_words_appear_after_they_end(seed):
    timeline, text, bank = conversation(seed), shipped_text(), tone_bank()
    lanes = lanes_of(rendered(timeline))
    ends_ms = [
        event.onset_ms + word.end_ms + HEARD_LAG_MS
        for event in timeline.events
        if event.side == "user"
        for word in bank.utterance(event.clip).words
    ]
    at_ms = [
        (index + 1) * MICRO_TURN_MS
        for index, (heard, _, _) in enumerate(lanes)
        for token_id in heard
        if text.decode([token_id]).startswith(" ")
    ]
    assert len(at_ms) > 3
    late = [at - end for at, end in zip(at_ms, ends_ms, strict=False)]
    assert min(late) >= 0
    assert max(late) < 3 * MICRO_TURN_MS  # said text goes first where both do not fit
    assert sum(wait < MICRO_TURN_MS for wait in late) > 0.7 * len(late)


def test_everything_heard_is_written():
    text = shipped_text()
    for seed in range(6):
        timeline = conversation(seed)
        written = "".join(text.decode(heard) for heard, _, _ in lanes_of(rendered(timeline)))
        spoken = "".join(
            " " + normalise(event.text)
            for event in timeline.events
            if event.side == "user" and event.end_ms + 800 < timeline.duration_ms
        )
        assert written.startswith(spoken)


def interrupted(answer="Tell me a story."):
    talk = Talk(tone_bank(), random.Random(3), now_ms=600)
    talk.user(answer)
    story = talk.own(
        "Take flour, water, salt and a little yeast. Mix them well and let the dough rest "
        "for an hour. Then fold it, let it rise again, and bake it until the crust is brown."
    )
    talk.interrupt(story, talk.clip("user", "Wait, wait, wait."), story.onset_ms + 1730)
    return talk.timeline(12_000, ())


def test_nothing_is_said_after_a_cut():
    timeline = interrupted()
    event = timeline.events[1]
    whole = replace(timeline, events=(timeline.events[0], replace(event, cut_ms=None)))
    for plan, is_cut in ((timeline, True), (whole, False)):
        episode, own = rendered(plan), own_track(plan, tone_bank())
        after = event.cut_ms // MICRO_TURN_MS
        said = [s for _, s, _ in lanes_of(episode)[after - 1 :] if s]
        sound = np.abs(own[after * OUTPUT_SAMPLES :]).max()
        speaks = any(decision.speaks for _, decision in episode.turns[after - 1 :])
        assert (said == [], sound == 0, not speaks) == (is_cut, is_cut, is_cut)
    text = "".join(shipped_text().decode(said) for _, said, _ in lanes_of(rendered(timeline)))
    assert normalise(event.text).startswith(text.strip())
    assert 5 < len(text) < 60


def test_a_cut_fades():
    timeline = interrupted()
    own = own_track(timeline, tone_bank())
    end = timeline.events[1].cut_ms * 24
    fade = CUT_FADE_MS * 24
    assert own[end - 1] == 0
    last = np.abs(own[end - fade // 4 : end]).max()
    assert last <= 0.26 * 0.51


def test_silence_stays_silent():
    timeline = Timeline(10_000, (), ("quiet",))
    for noise in (0.0, 0.005):
        episode = rendered(timeline, Sound(0.5, noise, 3))
        assert not any(decision.speaks or decision.text_ids for _, decision in episode.turns)
        assert all(features.said_AM is None for features, _ in episode.turns)
        assert (episode.mel == np.float16(SILENT_MEL)).all()


def test_no_text_without_voice():
    for seed in range(8):
        for (_, decision), (_, said, _) in zip(
            rendered(conversation(seed)).turns, lanes_of(rendered(conversation(seed))), strict=True
        ):
            assert decision.speaks or not said
            assert len(decision.text_ids) <= MAX_TEXT_TOKENS


def test_lanes_are_laid_by_the_sequence():
    markers = shipped_text().markers
    for _, decision in rendered(conversation(4)).turns:
        heard, said, _ = split_lanes(decision.text_ids, markers)
        assert decision.text_ids == lay_lanes(heard, said, markers)[0]


def test_gain_is_the_peak_of_the_voice():
    timeline = conversation(5)
    track = user_track(timeline, tone_bank(), Sound(0.25, 0.0, 1))
    assert np.abs(track).max() == pytest.approx(0.25, abs=1e-3)
    assert len(track) == len(rendered(timeline).turns) * INPUT_SAMPLES


def test_same_sound_same_episode():
    timeline = conversation(6)
    one, same, other = (rendered(timeline, Sound(0.5, 0.01, seed)) for seed in (1, 1, 2))

    def bins(episode):
        return torch.stack([features.heard_AM for features, _ in episode.turns])

    assert torch.equal(bins(one), bins(same))
    assert not torch.equal(bins(one), bins(other))


def test_a_pause_is_no_part_of_the_word_before_it():
    bank = tone_bank()
    utterance = bank.utterance(bank.choices("own", "It is Paris.")[0])
    word = utterance.words[0]
    longer = replace(word, end_ms=word.end_ms + 35)  # into the pause before the next word
    assert while_it_sounds(longer, utterance).end_ms == pytest.approx(word.end_ms, abs=4)
    assert while_it_sounds(word, utterance).end_ms == pytest.approx(word.end_ms, abs=4)
    silent = replace(word, start_ms=word.end_ms + 8, end_ms=word.end_ms + 30)
    assert while_it_sounds(silent, utterance) == silent


def test_the_user_is_heard_when_the_timeline_says_so():
    timeline, bank = conversation(7, "questions"), tone_bank()
    level = np.abs(user_track(timeline, bank, SILENCE))
    for event in timeline.events:
        if event.side == "own" or event.end_ms > timeline.duration_ms:
            continue
        for word in bank.utterance(event.clip).words:
            start, end = (16 * (event.onset_ms + at) for at in (word.start_ms, word.end_ms))
            assert level[start + 160 : end - 160].max() > 0.3
            level[start - 160 : end + 160] = 0
        last = 16 * event.end_ms
    assert level[:last].max() < 0.01


def test_typed_text_comes_in_its_micro_turn():
    text, talk = shipped_text(), Talk(tone_bank(), random.Random(0), now_ms=1100)
    talk.instructions = "be brief."
    talk.type("say hello.")
    talk.type("still searching", "tool", 2500)
    episode = rendered(talk.timeline(4000, ()))
    markers = text.markers
    typed = {f.index: f.text_ids for f, _ in episode.turns if f.text_ids}
    assert sorted(typed) == [5, 12]
    assert typed[5] == typed_message(markers.message_user, text.encode("say hello."), markers)
    assert typed[12][0] == markers.message_tool
    assert episode.prefix_ids[0] == markers.message_system
    assert text.decode(episode.prefix_ids) == " be brief."


def test_delegations_and_writing_go_on_over_micro_turns():
    text, talk = shipped_text(), Talk(tone_bank(), random.Random(0), now_ms=600)
    talk.delegate("search flights to paris on friday", 1000)
    talk.write("here is a long answer in writing, without a sound.", 5000)
    episode = rendered(talk.timeline(9000, ()))
    lanes = lanes_of(episode)
    handed = [token for _, _, delegated in lanes for token in delegated]
    assert text.decode(handed) == " search flights to paris on friday"
    first = next(index for index, lane in enumerate(lanes) if lane[2])
    assert first == 5
    written = [token for _, said, _ in lanes for token in said]
    assert text.decode(written) == " here is a long answer in writing, without a sound."
    assert not any(decision.speaks for _, decision in episode.turns)
    ends = [text.markers.end in decision.text_ids for _, decision in episode.turns]
    assert sum(ends) == 1  # where the delegation is over


class Growing:
    """A picture that shows the time."""

    def image(self, time_ms):
        return np.full((120, 160, 3), time_ms // 100, dtype=np.uint8)


def test_pictures_close_every_second_micro_turn():
    talk = Talk(tone_bank(), random.Random(0), duration_ms=4000)
    talk.show(Growing(), 800, 2400)
    episode = rendered(talk.timeline(4000, ()))
    shown = {f.index: f.patch_P for f, _ in episode.turns if f.patch_P is not None}
    assert sorted(shown) == [5, 7, 9, 11]
    assert shown[5].shape == (12, 2, 40, 40, 3)
    assert shown[5][:, 0].unique().tolist() == [8]
    assert shown[5][:, 1].unique().tolist() == [10]


def test_others_are_heard_and_not_written():
    talk = Talk(tone_bank(), random.Random(0), "bm_daniel", now_ms=600)
    talk.background("How are you?", 1000)
    timeline = talk.timeline(4000, ())
    assert not any(heard for heard, _, _ in lanes_of(rendered(timeline)))
    loud = np.abs(user_track(timeline, tone_bank(), Sound(0.5))).max()
    assert 0.1 < loud < 0.14  # 12 dB below


def test_a_word_that_was_cut_is_not_written():
    talk = Talk(tone_bank(), random.Random(0), "bm_daniel", now_ms=600)
    event = talk.user("What is the capital of Peru?", cut_ms=600 + 620)
    episode = rendered(talk.timeline(4000, ()))
    heard = shipped_text().decode(t for lane, _, _ in lanes_of(episode) for t in lane)
    assert heard == " what is"
    track = user_track(talk.timeline(4000, ()), tone_bank(), Sound(0.5))
    assert np.abs(track[(event.cut_ms + 1) * 16 :]).max() == 0
