"""A folder of weights becomes an engine that gives the same bits; what is wrong is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from microturn.cli import main
from microturn.engine.engine import Engine
from microturn.engine.load import SHIPPED, load
from microturn.engine.load import model_folder as find
from microturn.engine.sampler import SamplingConfig
from microturn.signal.text import Text
from microturn.turns import INPUT_SAMPLES, MicroTurnInput
from tests.tiny import tiny_model

FILES = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "vocoder.json",
    "vocoder.safetensors",
)


@pytest.fixture
def folder(model_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


def change_tensors(path: Path, change) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def talk(engine: Engine) -> np.ndarray:
    session_id = engine.open(seed=3)
    sound = np.full(INPUT_SAMPLES, 0.1, dtype=np.float32)
    return np.stack(
        [
            engine.step(session_id, MicroTurnInput(i, sound), force_speak=True).audio
            for i in range(2)
        ]
    )


def complaint(folder: Path) -> str:
    with pytest.raises((ValueError, OSError)) as caught:
        load(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_loaded_model_gives_the_same_bits(model_folder: Path) -> None:
    sampling = SamplingConfig(num_flow_steps=1)
    loaded = load(model_folder, sampling)
    assert loaded.sampling == sampling
    built = Engine(tiny_model(), loaded.vocoder, loaded.text, sampling)
    assert np.array_equal(talk(loaded), talk(built))
    other = Engine(tiny_model(seed=1), loaded.vocoder, loaded.text, sampling)
    assert not np.array_equal(talk(loaded), talk(other))


def test_a_name_that_is_nothing_lists_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"no model 'nanoo': .* one of: nano"):
        find("nanoo")
    with pytest.raises(ValueError, match="no model ''"):
        find("")
    assert find("nano") == SHIPPED / "nano"


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(name: str, folder: Path) -> None:
    (folder / name).unlink()
    assert name in complaint(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named(name: str, folder: Path) -> None:
    (folder / name).write_bytes(b"{ not what it should be")
    assert name in complaint(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "vocoder.safetensors"])
def test_a_file_that_was_cut_off_is_named(name: str, folder: Path) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    assert name in complaint(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "vocoder.safetensors"])
def test_a_missing_tensor_is_named(name: str, folder: Path) -> None:
    removed = sorted(load_file(folder / name))[-1]
    change_tensors(folder / name, lambda tensors: tensors.pop(removed))
    assert removed in complaint(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "vocoder.safetensors"])
def test_a_misshapen_tensor_is_named(name: str, folder: Path) -> None:
    bent = sorted(load_file(folder / name))[-1]
    change_tensors(folder / name, lambda tensors: tensors.update({bent: torch.zeros(3, 2)}))
    assert bent in complaint(folder)


def test_a_missing_field_of_the_config_is_named(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    del config["text_config"]["hidden_size"]
    (folder / "config.json").write_text(json.dumps(config))
    assert "hidden_size" in complaint(folder)


def test_text_and_model_must_fit(folder: Path) -> None:
    Text.train(["a quick brown fox and a lazy dog"], 70).save(folder / "tokenizer.json")
    assert "tokenizer.json has 70 tokens, the model 64" in complaint(folder)


def test_weights_of_another_size_are_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["intermediate_size"] += 16
    (folder / "config.json").write_text(json.dumps(config))
    assert "the config asks for" in complaint(folder)


def test_the_command_says_it_in_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "vocoder.safetensors").unlink()
    code = main(["bench", "tick", "--model", str(folder)])
    captured = capsys.readouterr()
    assert code == 2 and captured.out == ""
    assert captured.err.count("\n") == 1 and "vocoder.safetensors" in captured.err


def test_equal_bits_are_claimed_on_the_cpu_only(model_folder: Path) -> None:
    for options in ({"is_exact": True}, {"recording": "tokens"}):
        with pytest.raises(ValueError, match="on the CPU only"):
            load(model_folder, device="meta", **options)  # type: ignore[arg-type]
