"""Images of a client -> the pairs that the model sees: 160 x 120, two images 200 ms apart, closing
with every second micro-turn, as in training."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps

from microturn.turns import ByteArray

WIDTH, HEIGHT = 160, 120
MAX_BYTES, MAX_PIXELS = 2_000_000, 4_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
MAX_IN_A_MICRO_TURN = 2  # more are not even decoded: one is looked at


def decode_image(data: bytes) -> ByteArray:
    """File bytes -> [HEIGHT, WIDTH, 3] uint8; other shapes get black bars. Slow: not for the event
    loop.

    Raises ValueError for what is too large or no image; the size is read before the pixels.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"the image has {len(data)} bytes; send at most {MAX_BYTES}")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            num_pixels = image.width * image.height
            image.draft("RGB", (2 * WIDTH, 2 * HEIGHT))  # decodes a JPEG at small scale
            is_small = num_pixels <= MAX_PIXELS
            padded = ImageOps.pad(image.convert("RGB"), (WIDTH, HEIGHT)) if is_small else None
    except Exception as error:  # a decoder may raise anything for a file made to break it
        known = ", ".join(FORMATS)
        raise ValueError(f"this is no image that can be read ({known}): {error}") from None
    if padded is None:
        raise ValueError(f"the image has {num_pixels} pixels; send at most {MAX_PIXELS}")
    return np.asarray(padded, np.uint8)


class Camera:
    """The newest image of each micro-turn. num_dropped: images that nobody looks at."""

    def __init__(self) -> None:
        self.num_dropped = 0
        self._num_coming = 0
        self._newest: ByteArray | None = None
        self._first: ByteArray | None = None

    def has_room(self) -> bool:
        """Is one more image worth decoding in this micro-turn?"""
        self._num_coming += 1
        is_worth_it = self._num_coming <= MAX_IN_A_MICRO_TURN
        self.num_dropped += not is_worth_it
        return is_worth_it

    def push(self, image: ByteArray) -> None:
        """[HEIGHT, WIDTH, 3] uint8."""
        self._newest = image

    def take(self, index: int) -> ByteArray | None:
        """The pair that closes in micro-turn `index`; an image that came alone stands twice."""
        newest, self._newest, self._num_coming = self._newest, None, 0
        if index % 2 == 0:
            self._first = newest
            return None
        first, self._first = self._first, None
        pair = [image for image in (first, newest) if image is not None]
        return np.stack([pair[0], pair[-1]]) if pair else None
