"""The split of voices."""

from __future__ import annotations

from microturn.data.voices import (
    ESPEAK_TRAINING,
    FLITE_TRAINING,
    HELD_OUT,
    NEAR_OWN,
    OWN_VOICE,
    OWN_VOICES,
    TRAINING,
    VALIDATION,
    may_train,
)


def test_groups_do_not_meet():
    groups = [{OWN_VOICE}, set(NEAR_OWN), set(VALIDATION), set(HELD_OUT), set(TRAINING)]
    programs = set(FLITE_TRAINING) | set(ESPEAK_TRAINING)
    assert sum(map(len, groups)) == len(set().union(*groups))
    assert not programs & set().union(*groups)


def test_may_train():
    assert all(
        may_train(voice) for voice in (*TRAINING, *FLITE_TRAINING, *ESPEAK_TRAINING, *OWN_VOICES)
    )
    assert not any(may_train(voice) for voice in HELD_OUT | VALIDATION | NEAR_OWN)


def test_each_training_voice_once():
    assert len(TRAINING) == len(set(TRAINING)) == 34
