"""The bank builder: resumption, workers, damage, a full disk."""

from __future__ import annotations

import errno
import json
from dataclasses import replace

import pytest

from microturn.data import build, speakers
from microturn.data.align import Spread
from microturn.data.bank import Bank
from microturn.data.build import BuildConfig, build_bank
from microturn.data.voices import OWN_VOICE
from tests.test_data_recorded import Exact, corpus
from tests.tones import USER_VOICES, ToneSpeaker


def lines_of(folder):
    manifests = sorted(folder.glob("manifest*.jsonl"))
    return [json.loads(line) for path in manifests for line in path.read_text().splitlines()]


def test_builds_and_goes_on(tmp_path):
    engines = [ToneSpeaker()]
    made = build_bank(BuildConfig(tmp_path, limit=6), engines)
    assert (made["count"], made["made"], made["own_voice"]) == (6, 6, OWN_VOICE)
    assert sorted(made["voices"]) == sorted(USER_VOICES)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "clips").iterdir()}
    with (tmp_path / "manifest.jsonl").open("a") as file:
        file.write('{"key": "torn')
    again = build_bank(BuildConfig(tmp_path, limit=10), engines)
    assert (again["count"], again["made"]) == (10, 4)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    entries = lines_of(tmp_path)
    assert {entry["rate_hz"] for entry in entries if entry["side"] == "own"} == {24_000}
    assert {entry["rate_hz"] for entry in entries if entry["side"] == "user"} == {16_000}
    assert all({"voice", "engine", "licence", "seconds", "words_ms"} <= set(e) for e in entries)
    bank = Bank.load([tmp_path])
    clips = [clip for side in (bank.own, bank.user) for found in side.values() for clip in found]
    assert len(clips) == sum(entry["words_ms"] is not None for entry in entries)
    assert all(bank.utterance(clip).duration_ms > 100 for clip in clips)


def test_a_clip_whose_sound_is_gone_is_made_again(tmp_path):
    build_bank(BuildConfig(tmp_path, limit=4), [ToneSpeaker()])
    (tmp_path / lines_of(tmp_path)[1]["file"]).unlink()
    assert build_bank(BuildConfig(tmp_path, limit=4), [ToneSpeaker()])["made"] == 1


def test_one_voice_speaks_for_the_model(tmp_path):
    build_bank(BuildConfig(tmp_path, limit=2), [ToneSpeaker()])
    with pytest.raises(ValueError, match="speaks for the model with af_heart, not awb"):
        build_bank(BuildConfig(tmp_path, limit=4), [ToneSpeaker("awb", "kal16")])


def test_training_and_evaluation_never_share_a_folder(tmp_path):
    engines = [ToneSpeaker(OWN_VOICE, "af_sky", "am_adam")]
    build_bank(BuildConfig(tmp_path, limit=4), engines)
    with pytest.raises(ValueError, match="voices of the other kind"):
        build_bank(BuildConfig(tmp_path, voices=("am_adam",), limit=4), engines)


class Choosy(ToneSpeaker):
    """Cannot say some things."""

    def speak(self, text, voice, speed):
        if text.startswith("Never"):
            raise ValueError("it has no phonemes")
        return super().speak(text, voice, speed)


def written(path, *texts):
    lines = [json.dumps({"side": "user", "text": text, "voices": ["af_alloy"]}) for text in texts]
    path.write_text("\n".join(lines))
    return path


def test_what_cannot_be_spoken_is_counted_and_listed(tmp_path):
    path = written(tmp_path / "texts.jsonl", "Now.", "Never.", "Later.")
    config = BuildConfig(tmp_path / "bank", texts=(path,), are_scenarios_wanted=False)
    made = build_bank(config, [Choosy()])
    assert (made["made"], made["failed"]) == (2, 1)
    assert made["failed_clips"] == ["af_alloy 'Never.': it has no phonemes"]
    assert build_bank(config, [ToneSpeaker()])["made"] == 1


def test_the_model_side_may_be_left_out(tmp_path):
    both = build_bank(BuildConfig(tmp_path / "both", limit=12), [ToneSpeaker(OWN_VOICE, "af_sky")])
    assert both["made"] == 12
    config = BuildConfig(tmp_path / "user", limit=12, is_own_wanted=False)
    assert build_bank(config, [ToneSpeaker(OWN_VOICE, "af_sky")])["made"] == 12
    assert Bank.load([tmp_path / "both"]).own
    bank = Bank.load([tmp_path / "user"])
    assert bank.user and not bank.own


def test_voices_of_texts_keep_to_the_split(tmp_path):
    path = tmp_path / "texts.jsonl"
    for voice, complaint in (
        ("am_adam", "on the other side"),
        (f"{OWN_VOICE}", "the model's own voice"),
        ("af_nobody", "no voice af_nobody"),
    ):
        path.write_text(json.dumps({"side": "user", "text": "Hi.", "voices": [voice]}))
        with pytest.raises(ValueError, match=complaint):
            build_bank(
                BuildConfig(tmp_path / "bank", texts=(path,)),
                [ToneSpeaker(OWN_VOICE, "af_sky", "am_adam")],
            )


def test_a_full_disk_loses_nothing(tmp_path, monkeypatch):
    config = BuildConfig(tmp_path, limit=6)
    real, count = build.make, 0

    def filling(*args):
        nonlocal count
        count += 1
        if count > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*args)

    monkeypatch.setattr(build, "make", filling)
    with pytest.raises(ValueError, match="the disk is full; nothing finished is lost"):
        build_bank(config, [ToneSpeaker()])
    assert len(lines_of(tmp_path)) == 3
    monkeypatch.setattr(build, "make", real)
    assert build_bank(config, [ToneSpeaker()])["made"] == 3


def test_processes_share_the_work(tmp_path, monkeypatch):
    """Real processes with programs; they cannot be given the tones."""
    flite = speakers.ENGINES["flite"]
    try:
        flite()
    except ValueError:
        pytest.skip("flite is not installed")
    path = written(tmp_path / "texts.jsonl", "One.", "Two.", "Three.", "Four.")
    path.write_text(path.read_text().replace("af_alloy", "kal16"))
    config = BuildConfig(
        tmp_path / "bank",
        engines=("flite",),
        texts=(path,),
        are_scenarios_wanted=False,
        workers=2,
    )
    assert build_bank(config)["made"] == 4
    assert sorted(line["text"] for line in lines_of(config.out)) == [
        "Four.",
        "One.",
        "Three.",
        "Two.",
    ]
    assert len(list(config.out.glob("manifest_*.jsonl"))) == 2
    with (config.out / "manifest_1.jsonl").open("a") as file:
        file.write('{"torn')
    assert build_bank(config)["made"] == 0
    assert {line["engine"] for line in lines_of(config.out)} == {"flite"}


def test_a_worker_that_cannot_start_stops_the_rest(tmp_path):
    config = BuildConfig(tmp_path, workers=2)
    with pytest.raises(ValueError, match="no engine nonsense"):
        list(build.in_processes([], config, ["nonsense"], 1))


def test_corpora_join(tmp_path):
    source = corpus(tmp_path / "speech", a=("Yes.", "train"), damaged=("No.", "train"))
    config = BuildConfig(
        tmp_path / "bank", corpora=(source, tmp_path / "gone"), are_scenarios_wanted=False
    )
    with pytest.raises(ValueError, match=r"no recordings at .*gone"):
        build_bank(config)
    made = build_bank(replace(config, are_missing_skipped=True))
    assert made["corpora"]["kathleen"]["damaged"] == 1
    assert "damaged" in made["corpora"]["kathleen"]["damaged_files"][0]
    assert "no recordings at" in made["missing"][str(tmp_path / "gone")]
    assert (tmp_path / "bank" / "manifest_human_speech.jsonl").is_file()


@pytest.mark.parametrize(
    ("voices", "text"), [((), "Yes."), (("awb",), "Yes."), (("rms",), "No."), (("am_onyx",), "No.")]
)
def test_voices_say_which_recordings_join(tmp_path, monkeypatch, voices, text):
    """Alone, corpora give what trains; beside a voice that is kept, their validation part."""
    monkeypatch.setattr("microturn.data.recorded.find_aligner", Spread)
    source = corpus(tmp_path / "speech", a=("Yes.", "train"), b=("No.", "validation"))
    build_bank(
        BuildConfig(tmp_path / "bank", corpora=(source,), voices=voices, are_scenarios_wanted=False)
    )
    (line,) = lines_of(tmp_path / "bank")
    assert line["text"] == text.lower()


@pytest.mark.parametrize("is_installed", [False, True])
def test_an_aligner_that_is_missing_is_named(tmp_path, monkeypatch, is_installed):
    found = Exact() if is_installed else Spread()
    monkeypatch.setattr(build, "find_aligner", lambda: found)
    source = corpus(tmp_path / "speech", a=("Yes.", "train"))
    config = BuildConfig(tmp_path / "bank", corpora=(source,), are_scenarios_wanted=False)
    missing = build_bank(config)["missing"]
    assert ("pip install pocketsphinx" in missing.get("aligner of recordings", "")) != is_installed


@pytest.mark.parametrize(
    ("wish", "complaint"),
    [
        ({"limit": 0}, "limit must be at least 1, got 0"),
        ({"workers": 0}, "workers must be at least 1"),
        ({"voices_per_text": 0}, "voices_per_text must be at least 1"),
        ({"sound": "mp3"}, "sound must be one of flac, opus"),
    ],
)
def test_bad_wishes(tmp_path, wish, complaint):
    with pytest.raises(ValueError, match=complaint):
        BuildConfig(tmp_path, **wish)
