"""A written cue in what is listened to: after each time the word is heard, and nowhere else."""

from __future__ import annotations

import random

from microturn.data import cued
from microturn.data.loader import plan
from microturn.data.render import HEARD_LAG_MS, lanes
from microturn.data.split import KEPT_EVERY, SPLITS
from microturn.data.talk import Talk
from microturn.data.timeline import utterance_of
from microturn.scenarios import cue_word
from microturn.signal.text import normalise
from microturn.turns import MICRO_TURN_MS
from tests.test_data_further_ways import in_common
from tests.tones import USER_VOICES, shipped_text, tone_bank

BANK = tone_bank()


def talk_of(seed: int) -> Talk:
    talk = Talk(BANK, random.Random(seed), USER_VOICES[0], now_ms=400)
    for text in ("The yellow boat stood near the old church.", "The cat sleeps near the boat."):
        if talk.has("user", text):
            talk.user(text, wait_ms=300)
    while len(talk.events) < 3:
        talk.user(talk.rng.choice(talk.open_texts("user")), wait_ms=300)
    talk.instructions = "listen only."
    return talk


def said_at(talk: Talk, wanted: str) -> list[int]:
    return [
        event.onset_ms + word.end_ms
        for event in talk.events
        for word in utterance_of(event, BANK).words
        if normalise(word.text).strip(".,?!-") == wanted
    ]


def test_the_reply_follows_each_time_the_word_was_heard():
    orders = set()
    for seed in range(60):
        talk = talk_of(seed)
        cued.set_cue(talk)
        assert talk.instructions is not None and talk.instructions.startswith("listen only. ")
        (reply,) = {written.text for written in talk.written}
        order = talk.instructions.removeprefix("listen only. ")
        found = {
            (template, word)
            for template in cued.ORDERS
            for word in cued.words_heard(talk)
            if template.format(reply=reply, word=word) == order
        }
        ((template, word),) = found
        orders.add(template)
        ends_ms = sorted(said_at(talk, word))
        due_ms = [at for at in ends_ms if at < talk.duration_ms - cued.LATEST_MS]
        late_ms = [w.onset_ms - at for w, at in zip(talk.written, due_ms, strict=True)]
        assert late_ms and all(0 <= late - HEARD_LAG_MS < MICRO_TURN_MS for late in late_ms)
    assert len(orders) == len(cued.ORDERS)


def test_the_reply_is_written_after_the_word():
    text = shipped_text()
    for seed in range(10):
        talk = talk_of(seed)
        cued.set_cue(talk)
        reply = talk.written[0]
        lines, _ = lanes(talk.timeline(talk.duration_ms, ("listening",)), BANK, text)
        place = reply.onset_ms // MICRO_TURN_MS
        assert reply.text in text.decode(list(lines[place]))
        assert reply.text not in text.decode([i for line in lines[:place] for i in line])


def test_no_cue_of_evaluation_and_none_in_evaluation():
    assert set(cued.KEPT_WORDS) <= set(cue_word.SPEECH)
    for seed in range(20):
        assert not set(cued.KEPT_WORDS) & set(cued.words_heard(talk_of(seed)))
    kept = cue_word.ORDERS[KEPT_EVERY - 1 :: KEPT_EVERY]
    spoken = [order.replace("{color}", "{reply}") for order in kept]
    assert not [(o, k) for o in cued.ORDERS for k in spoken if in_common(o, k) >= 0.66]
    found = dict.fromkeys(SPLITS, 0)
    for split in SPLITS:
        for index in range(30):
            talk, _ = plan(5, index, BANK, {"listening": 1.0}, 30_000, 0.0, split)
            found[split] += len(talk.written)
    assert found["train"] > 20 and found["eval"] == 0


def test_silence_has_no_cue():
    talk = Talk(BANK, random.Random(0))
    cued.set_cue(talk)
    assert talk.instructions is None and not talk.written
