"""`Model.from_pretrained` and `save_pretrained`: there and back, by name, and what is refused."""

from __future__ import annotations

import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import microturn
from microturn.checkpoint import save
from microturn.engine.load import load
from microturn.engine.pretrained import HUB_FILES, Model, find
from microturn.model.config import FloorConfig
from microturn.model.model import InteractionModel
from microturn.signal.text import Text
from microturn.signal.vocoder import Vocoder, VocoderConfig
from tests.test_engine_engine import turns
from tests.tiny import tiny_config
from tests.tones import TOKENIZER


def tiny() -> Model:
    torch.manual_seed(0)
    config = tiny_config()
    backbone = replace(config.backbone, vocab_size=512)
    config = replace(config, backbone=backbone, floor=FloorConfig(0.5, -0.25))
    vocoder = Vocoder(VocoderConfig(width=8, num_blocks=1))
    return Model(InteractionModel(config), Text.load(TOKENIZER), vocoder)


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    model = tiny()
    model.save_pretrained(tmp_path, dtype=None)
    other = microturn.Model.from_pretrained(tmp_path)
    assert other.config == model.config and other.config.floor == FloorConfig(0.5, -0.25)
    for part, same in ((model.network, other.network), (model.vocoder, other.vocoder)):
        found = same.state_dict()
        assert all(torch.equal(found[n], tensor) for n, tensor in part.state_dict().items())
    assert other.text.encode("Hello there.") == model.text.encode("Hello there.")
    assert (
        sorted(path.suffix for path in tmp_path.iterdir()) == [".json"] * 3 + [".safetensors"] * 2
    )
    half = tmp_path / "half"
    model.save_pretrained(half)
    weights = [folder / "model.safetensors" for folder in (tmp_path, half)]
    assert weights[1].stat().st_size < 0.6 * weights[0].stat().st_size


def test_its_engine_is_that_of_load(tmp_path: Path) -> None:
    tiny().save_pretrained(tmp_path)
    one, two = Model.from_pretrained(str(tmp_path)).engine(), load(tmp_path)
    sessions = one.open(0), two.open(0)
    for turn in turns(1, 3):
        a, b = one.step(sessions[0], turn), two.step(sessions[1], turn)
        assert a.p_speak == b.p_speak and a.text_ids == b.text_ids
        assert (a.audio == b.audio).all()


def test_shipped_models_have_names() -> None:
    assert find("nano").name == "nano"


def test_the_hub_is_asked_for_what_looks_like_its_names(tmp_path, monkeypatch) -> None:
    tiny().save_pretrained(tmp_path)
    asked = []
    hub, errors = types.ModuleType("huggingface_hub"), types.ModuleType("huggingface_hub.errors")

    class Gone(OSError):
        pass

    def snapshot_download(name, revision, allow_patterns):
        asked.append((name, revision))
        assert allow_patterns == list(HUB_FILES)
        assert not any(pattern.endswith((".bin", ".pt")) for pattern in allow_patterns)
        if name == "some/gone":
            raise Gone("404 no such repository\nand more lines")
        return str(tmp_path)

    hub.snapshot_download = snapshot_download
    errors.HfHubHTTPError = errors.LocalEntryNotFoundError = Gone
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    monkeypatch.setitem(sys.modules, "huggingface_hub.errors", errors)
    assert Model.from_pretrained("some/model", revision="v2").config == tiny().config
    assert asked == [("some/model", "v2")]
    with pytest.raises(ValueError, match=r"cannot get some/gone.*404 no such repository$"):
        find("some/gone")
    for name in ("nowhere", Path("some/model")):  # control: no names of the hub
        with pytest.raises(ValueError, match="no model"):
            find(name)
    assert len(asked) == 2


def test_without_the_hub_package_it_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ValueError, match="pip install huggingface_hub"):
        find("some/model")


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    tiny().save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match=r"pytorch_model\.bin is not read"):
        Model.from_pretrained(tmp_path)


def test_a_text_of_another_size_is_refused(tmp_path: Path) -> None:
    model = tiny()
    model.save_pretrained(tmp_path)
    other = InteractionModel(tiny_config())
    save(other, other.config, tmp_path)
    with pytest.raises(ValueError, match="512 tokens, the model 64"):
        Model.from_pretrained(tmp_path)


def test_other_names_of_the_package_are_no_attributes() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Modell'"):
        _ = microturn.Modell
