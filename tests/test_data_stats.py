"""What a bank holds, in numbers."""

from __future__ import annotations

import json

import pytest

from microturn.data.stats import bank_stats


def line(**more):
    return json.dumps(
        {"key": "k", "voice": "af_sky", "text": "Hello there.", "seconds": 1800, "words_ms": []}
        | more
    )


def test_hours_texts_and_licences(tmp_path):
    lines = [
        line(engine="kokoro", licence="Apache-2.0"),
        line(text="hello THERE.", voice="af_kore", engine="kokoro", licence="Apache-2.0"),
        line(text="Bye there", voice="af_heart", words_ms=None, seconds=3600),
    ]
    (tmp_path / "manifest.jsonl").write_text("\n".join(lines[:2]) + "\n")
    (tmp_path / "manifest_more.jsonl").write_text(lines[2] + "\n")
    found = bank_stats([tmp_path])
    assert (found["clips"], found["hours"], found["voices"]) == (3, 2.0, 3)
    assert (found["texts"], found["words"]) == (2, 3)
    assert found["clips_without_word_times"] == 1
    assert found["hours_by_side"] == {"own": 1.0, "user": 1.0}
    assert found["hours_by_engine"] == {"kokoro": 2.0}
    assert found["hours_by_voice"] == {"af_heart": 1.0, "af_kore": 0.5, "af_sky": 0.5}
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert found["megabytes"] == round(size / 1e6, 1)
    assert found["hours_by_licence"] == {"Apache-2.0": 1.0, "not stated": 1.0}


def test_engines_and_times(tmp_path):
    """What is not stated is known by the voice; times that go back are no times."""
    lines = [
        line(voice="blend:af_kore+bm_george@0.5~0.94"),
        line(voice="slt", words_ms=[["hello", 0, 100], ["there.", 100, 200]]),
        line(voice="somebody", words_ms=[["hello", 50, 100], ["there.", 0, 40]]),
        line(voice="joe", engine="piper"),
    ]
    (tmp_path / "one.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "one.tar").write_bytes(bytes(3_000_000))
    (tmp_path / "other.tar").write_bytes(bytes(9_000_000))
    found = bank_stats([tmp_path / "one.jsonl"])
    assert found["hours_by_engine"] == {"not stated": 1.0, "kokoro": 0.5, "piper": 0.5}
    assert found["clips_without_word_times"] == 1
    assert found["megabytes"] == 3.0


def test_bad_banks(tmp_path):
    with pytest.raises(ValueError, match="no speech bank at"):
        bank_stats([tmp_path])
    (tmp_path / "manifest.jsonl").write_text(line() + "\n{}\n")
    with pytest.raises(ValueError, match="line 2 is not a clip"):
        bank_stats([tmp_path])
