"""Engines: what is missing is named; voices and the split."""

from __future__ import annotations

import pytest

from microturn.data import speakers
from microturn.data.speakers import choose_voices, find_speakers, speaker_of
from microturn.data.voices import HELD_OUT, OWN_VOICE, TRAINING, VALIDATION
from tests.tones import ToneSpeaker

AVAILABLE = [OWN_VOICE, *TRAINING, *sorted(HELD_OUT | VALIDATION), "awb", "kal16", "en-us", "en-gb"]


class Blending(ToneSpeaker):
    """Has style vectors."""

    def style(self, voice):
        return voice


def speak_with(*names):
    return [ToneSpeaker(*names)]


def test_usual_voices_train():
    assert choose_voices(speak_with(*AVAILABLE)) == (OWN_VOICE, list(TRAINING))
    assert choose_voices(speak_with("awb", "kal16", "rms", "en-gb")) == ("awb", ["kal16", "en-gb"])
    assert choose_voices(speak_with("en-us", "en-gb")) == ("en-us", ["en-gb"])


def test_more_voices_by_wish():
    engines = [Blending(*AVAILABLE)]
    _, users = choose_voices(engines, num_made=4)
    assert users[: len(TRAINING)] == list(TRAINING)
    assert len(users) == len(TRAINING) + 4
    _, users = choose_voices(engines, are_programs_wanted=True)
    assert users == [*TRAINING, "kal16", "awb", "en-us", "en-gb"]


def test_another_voice_for_the_model():
    own, users = choose_voices(speak_with(*AVAILABLE), own_voice="am_michael", num_made=0)
    assert (own, len(users)) == ("am_michael", len(TRAINING) - 1)
    assert "am_michael" not in users
    _, users = choose_voices([Blending(*AVAILABLE)], own_voice="am_michael", num_made=200)
    assert not any("am_michael" in voice for voice in users)
    with pytest.raises(ValueError, match="am_adam cannot speak for the model: it is kept"):
        choose_voices(speak_with(*AVAILABLE), own_voice="am_adam")
    with pytest.raises(ValueError, match=r"am_nobody cannot speak .* not installed"):
        choose_voices(speak_with(*AVAILABLE), own_voice="am_nobody")


def test_kept_voices_go_into_a_folder_of_their_own():
    assert choose_voices(speak_with(*AVAILABLE), ["am_adam", "joe"])[1] == ["am_adam", "joe"]
    with pytest.raises(ValueError, match="am_adam are kept for evaluation"):
        choose_voices(speak_with(*AVAILABLE), ["am_adam", "af_sky"])
    with pytest.raises(ValueError, match=r"blend:am_adam.af_kore@0\.5 are kept for evaluation"):
        choose_voices([Blending(*AVAILABLE)], ["blend:am_adam+af_kore@0.5", "af_sky"])


@pytest.mark.parametrize(
    ("available", "asked", "complaint"),
    [
        (AVAILABLE, ["af_nobody"], "no voice af_nobody here"),
        (AVAILABLE, [OWN_VOICE], "the model's own voice; take others"),
        (AVAILABLE, [f"{OWN_VOICE}~1.08"], "the model's own voice; take others"),
        (AVAILABLE, ["blend:af_kore+af_sky@0.5"], "no voice blend"),  # this engine blends nothing
        (["kal16"], [], "none of the model's voices is installed"),
        (["awb"], [], "only awb is installed"),
    ],
)
def test_bad_wishes(available, asked, complaint):
    with pytest.raises(ValueError, match=complaint):
        choose_voices(speak_with(*available), asked)


def test_the_first_engine_that_has_a_voice_speaks():
    first, second = ToneSpeaker("a", "b"), Blending("b", "c")
    assert speaker_of("b", [first, second]) is first
    assert speaker_of("b~1.08", [first, second]) is first
    assert speaker_of("blend:b+c@0.5", [first, second]) is second
    with pytest.raises(ValueError, match="no voice d here; there are a, b, c"):
        speaker_of("d", [first, second])


def engine(name):
    def start():
        if name is None:
            raise ValueError("this one needs: pip install something")
        return ToneSpeaker(name)

    return start


def test_missing_engines_are_named(monkeypatch):
    monkeypatch.setattr(speakers, "ENGINES", {"good": engine("a"), "kokoro": engine(None)})
    found, missing = find_speakers()
    assert [each.voices() for each in found] == [["a"]]
    assert missing == {"kokoro": "this one needs: pip install something"}
    with pytest.raises(ValueError, match="pip install something"):
        find_speakers(["good", "kokoro"])
    assert len(find_speakers(["good", "kokoro"], is_missing_fine=True)[0]) == 1
    with pytest.raises(ValueError, match="no engine bad; there are good, kokoro"):
        find_speakers(["bad"])
    monkeypatch.setattr(speakers, "ENGINES", {"kokoro": engine(None)})
    with pytest.raises(ValueError, match=r"apt install espeak-ng flite.*pip install something"):
        find_speakers()
