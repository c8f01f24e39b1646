"""Video: the length of a file from its header, and small frames at a fixed rate.

Decoding needs PyAV (`pip install av`); a folder of images needs nothing. Lengths of MP4 files are
read here, so that a loader can say how long an episode is without a decoder.
"""

from __future__ import annotations

import importlib
import importlib.util
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import soundfile
from PIL import Image

from microturn.turns import ByteArray

if TYPE_CHECKING:
    from microturn.evals.episode import Track

FRAME_WIDTH, FRAME_HEIGHT = 160, 120
FRAMES_PER_S = 5
SAME_MS = 0.5  # times of a file are rounded: what is nearer than this is at the same time
IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
NO_AV = "video needs PyAV: pip install av, or give a folder of images instead of the file"


def has_decoder() -> bool:
    """Whether video files can be decoded here."""
    return importlib.util.find_spec("av") is not None


def video_ms(path: Path, images_per_s: float = FRAMES_PER_S) -> int | None:
    """The length of a video file or folder of images in ms, or None where it cannot be known."""
    if path.is_dir():
        num_images = len(image_files(path))
        return round(num_images * 1000 / images_per_s) or None
    length_ms = _mp4_ms(path)
    if length_ms is None and has_decoder():
        length_ms = _decoder_ms(path)
    return length_ms


def frames(
    path: Path, frames_per_s: float = FRAMES_PER_S, images_per_s: float = FRAMES_PER_S
) -> Iterator[tuple[int, ByteArray]]:
    """Time in ms and frame [FRAME_HEIGHT, FRAME_WIDTH, 3] uint8, `frames_per_s` of them a second.

    Each is the last picture shown at its time; the whole picture, scaled to fit, on black. A folder
    holds `images_per_s` images a second, by name. Raises ValueError for what cannot be read, and
    where the decoder is missing.
    """
    period_ms = 1000 / frames_per_s
    pictures = _images(path, images_per_s) if path.is_dir() else _decoded(path)
    number, last = 0, None
    end_ms = 0.0
    for time_ms, until_ms, picture in pictures:
        while last is not None and number * period_ms < time_ms - SAME_MS:
            yield round(number * period_ms), last
            number += 1
        last, end_ms = fit(picture), until_ms
    if last is None:
        raise ValueError(f"{path} holds no picture")
    while number * period_ms < end_ms - SAME_MS:
        yield round(number * period_ms), last
        number += 1


def track_frames(path: Path, track: Track) -> Iterator[tuple[int, ByteArray]]:
    """The frames of a track, as `play` wants them; a track's own rate is that of its images."""
    return frames(path, images_per_s=track.fps or FRAMES_PER_S)


def fit(image: Image.Image) -> ByteArray:
    """A picture scaled to fit 160 x 120, centred on black: [120, 160, 3] uint8."""
    scale = min(FRAME_WIDTH / image.width, FRAME_HEIGHT / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = image.convert("RGB").resize(size, Image.Resampling.BILINEAR)
    canvas = Image.new("RGB", (FRAME_WIDTH, FRAME_HEIGHT))
    canvas.paste(small, ((FRAME_WIDTH - size[0]) // 2, (FRAME_HEIGHT - size[1]) // 2))
    return np.asarray(canvas, dtype=np.uint8)


def image_files(folder: Path) -> list[Path]:
    """The images of a folder by name; numbers count as numbers."""
    found = [path for path in folder.iterdir() if path.suffix.lower() in IMAGES]
    return sorted(found, key=lambda path: (len(path.stem), path.stem))


def _images(folder: Path, images_per_s: float) -> Iterator[tuple[float, float, Image.Image]]:
    for number, path in enumerate(image_files(folder)):
        try:
            with Image.open(path) as image:
                picture = image.convert("RGB")
        except OSError as error:
            raise ValueError(f"{path} is damaged or no image") from error
        yield number * 1000 / images_per_s, (number + 1) * 1000 / images_per_s, picture


def _decoded(path: Path) -> Iterator[tuple[float, float, Image.Image]]:
    if not path.is_file():
        raise ValueError(f"no video file at {path}")
    if not has_decoder():
        raise ValueError(f"{path}: {NO_AV}")
    av: Any = importlib.import_module("av")

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ValueError(f"{path} has no pictures in it")
            stream: Any = container.streams.video[0]
            stream.thread_type = "NONE"
            rate = float(stream.average_rate or FRAMES_PER_S)
            start: float | None = None
            for frame in container.decode(stream):
                time = float(frame.time or 0.0)
                start = time if start is None else start
                shown_ms = (time - start) * 1000
                yield shown_ms, shown_ms + 1000 / rate, frame.to_image()
    except (av.error.FFmpegError, OSError) as error:
        raise ValueError(f"{path} is damaged or no video: {error}") from error


def _decoder_ms(path: Path) -> int | None:
    av: Any = importlib.import_module("av")

    try:
        with av.open(str(path)) as container:
            return None if container.duration is None else round(container.duration / 1000)
    except (av.error.FFmpegError, OSError):
        return None


def extract_sound(path: Path, wav: Path) -> bool:
    """Write the sound of a video as a mono WAV file; False where the video has none.

    Raises ValueError where the decoder is missing, or the file cannot be read.
    """
    if not has_decoder():
        raise ValueError(f"{path}: the sound in a video needs PyAV: pip install av")
    av: Any = importlib.import_module("av")

    parts: list[np.ndarray] = []
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                return False
            stream: Any = container.streams.audio[0]
            rate_hz = int(stream.rate)
            resampler: Any = av.AudioResampler(format="s16", layout="mono", rate=rate_hz)
            for frame in container.decode(stream):
                parts += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
            parts += [piece.to_ndarray()[0] for piece in resampler.resample(None)]
    except (av.error.FFmpegError, OSError) as error:
        raise ValueError(f"{path} is damaged or no video: {error}") from error
    if not parts:
        return False
    wav.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(wav, np.concatenate(parts), rate_hz, subtype="PCM_16")
    return True


# ---- the length of an MP4 (ISO/IEC 14496-12): box `moov`, in it `mvhd`


def _mp4_ms(path: Path) -> int | None:
    try:
        with path.open("rb") as file:
            moov = _box(file, b"moov", path.stat().st_size)
            header = None if moov is None else _box(file, b"mvhd", moov)
            return None if header is None else _mvhd_ms(file.read(32))
    except (OSError, struct.error):
        return None


def _box(file: BinaryIO, name: bytes, end: int) -> int | None:
    """Go to the content of a box; gives where it ends, or None where there is no such box."""
    while file.tell() + 8 <= end:
        start = file.tell()
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", file.read(8))[0], 16
        elif size == 0:
            size = end - start
        if size < head:
            return None
        if kind == name:
            return start + size
        file.seek(start + size)
    return None


def _mvhd_ms(data: bytes) -> int | None:
    if data[0] == 1:
        scale, length = struct.unpack(">IQ", data[20:32])
    else:
        scale, length = struct.unpack(">II", data[12:20])
    return round(length * 1000 / scale) if scale and length else None
