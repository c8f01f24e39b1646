"""Images on their way to the model: what is taken, what is refused, which two are a pair."""

from __future__ import annotations

import base64
import contextlib
import io

import numpy as np
import pytest
from fixtures.server import client, running
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from microturn.server.camera import HEIGHT, MAX_BYTES, WIDTH, Camera, decode_image


def file_of(width: int, height: int, colour: tuple[int, int, int], kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, kind)
    return buffer.getvalue()


def plain(value: int) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), value, np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_any_size_becomes_one_size(kind: str) -> None:
    pixels = decode_image(file_of(640, 480, (200, 30, 30), kind))
    assert pixels.shape == (HEIGHT, WIDTH, 3) and pixels.dtype == np.uint8
    assert np.abs(pixels.reshape(-1, 3).mean(0) - (200, 30, 30)).max() < 4


def test_other_shapes_get_bars() -> None:
    pixels = decode_image(file_of(300, 300, (255, 255, 255)))
    assert pixels[:, :20].max() == 0 and pixels[:, -20:].max() == 0
    assert pixels[:, 21:-21].min() == 255


def test_what_is_refused() -> None:
    for garbage in (b"", b"GIF89a" + bytes(100), file_of(640, 480, (1, 2, 3), "JPEG")[:200]):
        with pytest.raises(ValueError, match="no image that can be read"):
            decode_image(garbage)
    with pytest.raises(ValueError, match=f"send at most {MAX_BYTES}"):
        decode_image(bytes(MAX_BYTES + 1))
    with pytest.raises(ValueError, match="9000000 pixels"):
        decode_image(file_of(3_000, 3_000, (0, 0, 0)))


@given(st.binary(max_size=60), st.integers(0, 200))
def test_no_file_breaks_the_decoder(noise: bytes, place: int) -> None:
    whole = file_of(64, 48, (1, 2, 3))
    for data in (noise, whole[:place] + noise + whole[place:]):
        with contextlib.suppress(ValueError):
            assert decode_image(data).shape == (HEIGHT, WIDTH, 3)


def test_two_micro_turns_make_a_pair() -> None:
    camera = Camera()
    for index in range(4):
        camera.push(plain(index))
        pair = camera.take(index)
        if index % 2 == 0:
            assert pair is None
        else:
            assert pair is not None and [image[0, 0, 0] for image in pair] == [index - 1, index]


@pytest.mark.parametrize("arrives_in", [0, 1])
def test_one_alone_stands_twice(arrives_in: int) -> None:
    camera = Camera()
    if arrives_in == 0:
        camera.push(plain(7))
    assert camera.take(0) is None
    if arrives_in == 1:
        camera.push(plain(7))
    pair = camera.take(1)
    assert pair is not None and pair.shape == (2, HEIGHT, WIDTH, 3) and (pair == 7).all()
    assert camera.take(2) is None and camera.take(3) is None, "nothing is shown again"


def test_more_than_can_be_seen_are_not_decoded() -> None:
    camera = Camera()
    assert [camera.has_room() for _ in range(4)] == [True, True, False, False]
    assert camera.num_dropped == 2
    camera.take(0)
    assert camera.has_room()


def test_images_reach_the_model_and_bad_ones_end_nothing() -> None:
    with running() as server, client(server) as talk:
        talk.start()
        talk.send("session.input_image.append", image=base64.b64encode(b"no image").decode())
        talk.wait_error("invalid_image")
        red = base64.b64encode(file_of(320, 240, (255, 0, 0))).decode()
        talk.send("session.input_image.append", image=red)
        turns = server.engine.inputs["s0"]
        for _ in range(3):
            talk.wait_for("session.usage.updated")
        shown = [turn for turn in turns if turn.images is not None]
        assert len(shown) == 1 and shown[0].index % 2 == 1
        assert shown[0].images is not None
        assert shown[0].images[:, 60, 80].tolist() == [[255, 0, 0]] * 2


def test_a_model_that_does_not_see_says_so() -> None:
    with running(limits={"takes_images": False}) as server, client(server) as talk:
        talk.start()
        talk.send("session.input_image.append", image="", event_id="i")
        assert talk.wait_error("images_not_supported")["client_event_id"] == "i"
        talk.wait_for("session.usage.updated")
