"""Frames at a fixed rate from a folder of images; lengths of files; clear faults."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from eval_media import mp4
from PIL import Image

from microturn.evals.episode import Track
from microturn.evals.video import extract_sound, fit, frames, track_frames, video_ms


def pictures(folder: Path, *greys: int) -> Path:
    folder.mkdir()
    for number, grey in enumerate(greys):
        Image.new("RGB", (32, 24), (grey, grey, grey)).save(folder / f"{number}.png")
    return folder


def shades(found: list[tuple[int, np.ndarray]]) -> list[tuple[int, int]]:
    return [(time_ms, int(frame[60, 80, 0])) for time_ms, frame in found]


def test_a_folder_of_images_at_its_own_rate(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "a", *range(0, 120, 10))  # 10 images a second: 1.2 s
    found = list(frames(folder, images_per_s=10))
    assert shades(found) == [(0, 0), (200, 20), (400, 40), (600, 60), (800, 80), (1000, 100)]
    assert all(frame.shape == (120, 160, 3) and frame.dtype == np.uint8 for _, frame in found)
    assert video_ms(folder, 10) == 1200


def test_slow_images_are_shown_again(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "a", 10, 20)
    track = Track("video", "a", fps=2)
    assert shades(list(track_frames(folder, track))) == [
        (0, 10),
        (200, 10),
        (400, 10),
        (600, 20),
        (800, 20),
    ]


def test_ten_comes_after_nine(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "a", *range(11))
    assert [shade for _, shade in shades(list(frames(folder)))] == list(range(11))


def test_pictures_are_scaled_whole() -> None:
    wide = fit(Image.new("RGB", (200, 50), (255, 0, 0)))
    assert wide[60, 80].tolist() == [255, 0, 0] and wide[10, 80].tolist() == [0, 0, 0]
    tall = fit(Image.new("L", (10, 100), 9))
    assert tall[60, 80, 0] == 9 and tall[60, 10, 0] == 0


def test_lengths_of_files(tmp_path: Path) -> None:
    mp4(tmp_path / "a.mp4", 12.34)
    (tmp_path / "b.mp4").write_bytes(b"no film at all, just text")
    assert video_ms(tmp_path / "a.mp4") == 12_340
    assert video_ms(tmp_path / "b.mp4") is None


def test_faults_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mp4(tmp_path / "a.mp4", 1.0)
    with pytest.raises(ValueError, match="no video file at"):
        list(frames(tmp_path / "none.mp4"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no picture"):
        list(frames(tmp_path / "empty"))
    (pictures(tmp_path / "bad", 1) / "0.png").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"0.png is damaged or no image"):
        list(frames(tmp_path / "bad"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install av, or give a folder of images"):
        list(frames(tmp_path / "a.mp4"))
    with pytest.raises(ValueError, match="needs PyAV: pip install av"):
        extract_sound(tmp_path / "a.mp4", tmp_path / "a.wav")
