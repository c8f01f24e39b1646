"""A bank and a model travel in small files and come out the same."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from microturn.data.bank import Bank
from microturn.train.travel import cut, join, pack_bank
from tests.tones import tone_bank

ROOT = Path(__file__).parent.parent


def small_bank() -> Bank:
    """Clips of a few texts, of both sides."""
    whole = tone_bank()
    texts = [*list(whole.own)[:2], *list(whole.user)[:2]]
    clips = [c for side in (whole.own, whole.user) for t in texts for c in side.get(t, [])]
    return type(whole)(clips)


def test_a_packed_bank_is_a_bank(tmp_path: Path) -> None:
    bank = small_bank()
    num, size = pack_bank(bank, tmp_path, 10_000_000, 0)
    found = Bank.load([tmp_path])
    for side, same in ((bank.own, found.own), (bank.user, found.user)):
        assert Counter(map(len, side.values())) == Counter(map(len, same.values()))
        assert side.keys() == same.keys()
        for text, clips in side.items():
            by_key = {clip.key: clip for clip in same[text]}
            for clip in clips:
                other = by_key[clip.key]
                assert (other.words, other.voice, other.is_own) == (
                    clip.words,
                    clip.voice,
                    clip.is_own,
                )
    clip = next(iter(bank.user.values()))[0]
    other = next(c for c in found.user[next(iter(bank.user))] if c.key == clip.key)
    a, b = bank.samples(clip).astype(float), found.samples(other).astype(float)
    count = min(len(a), len(b))
    assert np.corrcoef(a[:count], b[:count])[0, 1] > 0.9
    assert size < 0.3 * sum(2 * len(bank.samples(c)) for c in every(bank))
    assert num == len(every(bank))


def every(bank: Bank) -> list:
    return [c for side in (bank.own, bank.user) for clips in side.values() for c in clips]


def test_a_small_bank_has_all_texts_before_any_twice(tmp_path: Path) -> None:
    bank = small_bank()
    _, size = pack_bank(bank, tmp_path / "all", 10_000_000, 0)
    num, part = pack_bank(bank, tmp_path / "half", size // 2, 0)
    assert part <= size // 2 and 0 < num < len(every(bank))
    found = Bank.load([tmp_path / "half"])
    counts = [len(clips) for clips in found.user.values()]
    assert max(counts) - min(counts) <= 1 and found.own
    assert len(list((tmp_path / "half").glob("*.opus"))) == num
    with pytest.raises(ValueError, match="hold no clip"):
        pack_bank(bank, tmp_path / "none", 10, 0)


def test_parts_come_together_again(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a.bin").write_bytes(bytes(range(256)) * 10)
    (folder / "empty").write_bytes(b"")
    names = cut(folder, tmp_path / "parts", 1000)
    assert len(names) == 4
    assert all((tmp_path / "parts" / name).stat().st_size <= 1000 for name in names)
    assert join(tmp_path / "parts", tmp_path / "out") == ["a.bin", "empty"]
    for name in ("a.bin", "empty"):
        assert (tmp_path / "out" / name).read_bytes() == (folder / name).read_bytes()
    cut(folder, tmp_path / "parts", 2000)  # again, with fewer parts: no old one is left
    assert len(list((tmp_path / "parts").glob("*.part*"))) == 3


def test_what_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    folder, parts, out = tmp_path / "model", tmp_path / "parts", tmp_path / "out"
    folder.mkdir()
    with pytest.raises(ValueError, match="no files"):
        cut(folder, parts, 1000)
    (folder / "a.bin").write_bytes(b"x" * 2500)
    cut(folder, parts, 1000)
    (parts / "a.bin.part001").write_bytes(b"y" * 1000)
    with pytest.raises(ValueError, match=r"a\.bin is damaged"):
        join(parts, out)
    (parts / "a.bin.part001").unlink()
    with pytest.raises(ValueError, match=r"part001 of a\.bin is missing"):
        join(parts, out)
    assert not out.exists()
    with pytest.raises(ValueError, match=r"no parts\.json"):
        join(tmp_path, out)


def test_the_scripts_parse_and_say_what_they_want() -> None:
    for script in ("h200.sh", "node.sh", "cpu.sh", "paired.sh"):
        subprocess.run(["bash", "-n", str(ROOT / "runs" / script)], check=True)
    found = subprocess.run([str(ROOT / "runs/h200.sh")], capture_output=True, text=True)
    assert found.returncode == 2 and "runs/h200.sh train" in found.stderr
