"""The split of voices."""

from __future__ import annotations

import pytest

from microturn.data import voices
from microturn.data.voices import (
    ESPEAK_TRAINING,
    FESTIVAL_TRAINING,
    FLITE_TRAINING,
    HELD_OUT,
    NEAR_OWN,
    OWN_VOICE,
    OWN_VOICES,
    TRAINING,
    VALIDATION,
    Made,
    made_of,
    may_train,
    more_voices,
)


def test_groups_do_not_meet():
    groups = [{OWN_VOICE}, set(NEAR_OWN), set(VALIDATION), set(HELD_OUT), set(TRAINING)]
    programs = set(FLITE_TRAINING) | set(ESPEAK_TRAINING) | set(FESTIVAL_TRAINING)
    assert sum(map(len, groups)) == len(set().union(*groups))
    assert not programs & set().union(*groups)


def test_may_train():
    assert all(
        may_train(voice) for voice in (*TRAINING, *FLITE_TRAINING, *ESPEAK_TRAINING, *OWN_VOICES)
    )
    assert not any(may_train(voice) for voice in HELD_OUT | VALIDATION | NEAR_OWN)


def test_each_training_voice_once():
    assert len(TRAINING) == len(set(TRAINING)) == 34


def test_names_of_made_voices():
    assert made_of("af_kore") == Made(("af_kore",))
    assert made_of("en-us+m2") == Made(("en-us+m2",))
    assert made_of("af_kore~1.08") == Made(("af_kore",), warp=1.08)
    assert made_of("blend:af_kore+bm_george@0.3") == Made(("af_kore", "bm_george"), 0.3)
    assert made_of("blend:a+b@0.5~0.94") == Made(("a", "b"), 0.5, 0.94)


@pytest.mark.parametrize(
    "voice",
    ["blend:a+b", "blend:a@0.5", "blend:a+b@x", "blend:a+b@1.5", "a~", "a~x", "a~2", "~1.08", ""],
)
def test_badly_written_voices(voice):
    with pytest.raises(ValueError, match="no voice can be called"):
        made_of(voice)


@pytest.mark.parametrize("kept", sorted(HELD_OUT | VALIDATION | NEAR_OWN | {OWN_VOICE}))
def test_what_is_made_of_a_kept_voice_is_kept(kept):
    made = [f"{kept}~1.08", f"blend:{kept}+af_kore@0.5", f"blend:af_kore+{kept}@0.1"]
    made += [f"blend:af_kore+{kept}@0.5~0.94"]
    assert not any(may_train(voice) for voice in made)
    with pytest.raises(ValueError, match=f"make no others: {kept}"):
        more_voices(["af_kore", kept], 3)


def test_made_voices_train():
    made = more_voices(TRAINING, 100)
    assert len(set(made)) == 100
    assert all(may_train(voice) for voice in made)
    assert {parent for voice in made for parent in made_of(voice).parents} <= set(TRAINING)
    assert any(len(made_of(voice).parents) == 2 for voice in made)
    assert {made_of(voice).warp for voice in made} - {1.0}
    assert more_voices(TRAINING, 10) == made[:10] != more_voices(TRAINING, 10, seed=1)
    assert len(more_voices(TRAINING[:2], 20)) == 20
    with pytest.raises(ValueError, match="make 0 to 20 others, 21 were asked for"):
        more_voices(TRAINING[:2], 21)
    with pytest.raises(ValueError, match="make 0 to 0 others"):
        more_voices(TRAINING[:1], 1)


def test_every_language_has_voices_that_train_and_one_that_is_kept():
    assert set(voices.FOREIGN_TRAINING) == set(voices.FOREIGN_KEPT)
    trained = [voice for found in voices.FOREIGN_TRAINING.values() for voice in found]
    assert all(map(may_train, trained)) and len(trained) == len(set(trained))
    assert not any(map(may_train, voices.FOREIGN_KEPT.values()))
