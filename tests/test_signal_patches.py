"""Patches come in Inkling's order; sizes that do not fit are named."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest
import torch

from microturn.signal.patches import image_patches, still_pair


def published_function(name: str):
    """One function of the published image processor, whose module would import torchvision."""
    spec = importlib.util.find_spec("transformers.models.inkling")
    source = (Path(spec.origin).parent / "image_processing_inkling.py").read_text()
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if getattr(node, "name", None) == name]
    scope = {"torch": torch}
    exec(compile(tree, name, "exec"), scope)
    return scope[name]


def test_order_is_the_published_one():
    image = torch.randint(0, 256, (80, 120, 3), dtype=torch.uint8)
    ours = image_patches(still_pair(image))
    published = published_function("divide_to_patches")(image.permute(2, 0, 1), 40)
    whole = [patch for patch in published if patch.shape[-1] == 40]  # theirs adds an empty column
    assert len(ours) == len(whole) == 6
    for patch, other in zip(ours, whole, strict=True):
        assert torch.equal(patch[0], other.permute(1, 2, 0))
        assert torch.equal(patch[0], patch[1])


def test_the_two_images_of_a_pair_stay_in_order():
    pair = torch.stack([torch.full((40, 40, 3), value, dtype=torch.uint8) for value in (1, 2)])
    patch = image_patches(pair)[0]
    assert patch[0].unique().tolist() == [1]
    assert patch[1].unique().tolist() == [2]


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((2, 50, 40, 3), "multiples of 40, got 50 x 40"),
        ((1, 40, 40, 3), "show a still twice"),
        ((2, 0, 40, 3), "multiples of 40"),
        ((2, 40, 40), "must be \\[2, height, width, 3\\]"),
    ],
)
def test_bad_sizes_are_named(shape, words):
    with pytest.raises(ValueError, match=words):
        image_patches(torch.zeros(shape, dtype=torch.uint8))
