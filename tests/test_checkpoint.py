"""Checkpoints: there and back, to and from transformers, and clear words about broken ones."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import InklingForConditionalGeneration

from microturn.checkpoint import CheckpointError, load_config, load_weights, save
from microturn.model.config import FineAudioConfig
from microturn.model.embed import normalise
from microturn.model.model import InteractionModel
from microturn.signal.vocoder import Vocoder, VocoderConfig, save_vocoder
from tests.inkling_cases import (
    AUDIO_ID,
    IMAGE_ID,
    inputs,
    published_model,
    random_config,
    randomise,
)

WEIGHTS = "model.safetensors"


def random_model(seed: int = 1) -> InteractionModel:
    model = InteractionModel(random_config(seed)).eval()
    randomise(model, seed)
    return model


def saved(folder: Path, seed: int = 1) -> InteractionModel:
    model = random_model(seed)
    save(model, model.config, folder)
    return model


def equal(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    ours, theirs = a.state_dict(), b.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


def change(folder: Path, **tensors: torch.Tensor | None) -> None:
    """Replace tensors of a saved checkpoint, or remove those given as None."""
    kept = load_file(folder / WEIGHTS) | {n.replace("__", "."): t for n, t in tensors.items()}
    save_file({n: t for n, t in kept.items() if t is not None}, folder / WEIGHTS)


def test_what_is_saved_loads_equal(tmp_path: Path) -> None:
    model = saved(tmp_path)
    config = load_config(tmp_path)
    assert config == model.config
    other = InteractionModel(config)
    assert not equal(model, other)
    assert load_weights(other, tmp_path) == ()
    assert equal(model, other)
    assert not list(tmp_path.glob("*.part"))


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_weights_are_readable_by_everyone(tmp_path: Path) -> None:
    save_file({"a": torch.ones(1)}, tmp_path / "plain.safetensors")
    assert mode(tmp_path / "plain.safetensors") == 0o600  # what the library does on its own
    model = saved(tmp_path)
    assert mode(tmp_path / WEIGHTS) == 0o644
    (tmp_path / WEIGHTS).chmod(0o600)
    save(model, model.config, tmp_path)  # over an older file
    assert mode(tmp_path / WEIGHTS) == 0o644
    save_vocoder(Vocoder(VocoderConfig(width=8, num_blocks=1)), tmp_path)
    assert mode(tmp_path / "vocoder.safetensors") == 0o644


def test_names_on_disk_are_the_published_ones(tmp_path: Path) -> None:
    saved(tmp_path, seed=16)
    names = set(load_file(tmp_path / WEIGHTS))
    assert {
        "model.llm.embed.weight",
        "model.llm.embed_norm.weight",
        "model.llm.layers.0.attn.wq_du.weight",
        "model.llm.layers.0.attn.rel_logits_proj.proj",
        "model.llm.layers.1.mlp.experts.w13_weight",
        "model.llm.layers.1.mlp.shared_experts.shared_w2_weight",
        "model.llm.layers.1.mlp.gate.bias",
        "model.llm.norm.weight",
        "model.llm.unembed.weight",
        "model.audio.encoder.weight",
        "model.visual.layers.linear_0.weight",
        "microturn.said.encoder.weight",
        "microturn.flow.out.weight",
    } <= names
    assert all(name.startswith(("model.", "microturn.")) for name in names)


def test_half_precision_on_disk_is_for_matrices(tmp_path: Path) -> None:
    model = random_model()
    save(model, model.config, tmp_path, dtype=torch.bfloat16)
    tensors = load_file(tmp_path / WEIGHTS)
    assert tensors["model.llm.unembed.weight"].dtype == torch.bfloat16
    assert tensors["model.llm.norm.weight"].dtype == torch.float32
    other = InteractionModel(model.config)
    load_weights(other, tmp_path)
    weight = model.transformer.unembedding.weight
    assert other.transformer.unembedding.weight.dtype == torch.float32
    assert torch.equal(other.transformer.unembedding.weight, weight.bfloat16().float())


@pytest.mark.parametrize("seed", [1, 16])
def test_transformers_opens_ours(seed: int, tmp_path: Path) -> None:
    ours = saved(tmp_path, seed)
    theirs, report = InklingForConditionalGeneration.from_pretrained(
        tmp_path, dtype=torch.float32, output_loading_info=True
    )
    assert not report["missing_keys"] and not report["mismatched_keys"]
    assert all(name.startswith("microturn.") for name in report["unexpected_keys"])
    theirs.config.image_token_id, theirs.config.audio_token_id = IMAGE_ID, AUDIO_ID
    positions, fields = inputs(ours.config, 60, seed)
    with torch.no_grad():
        expected = theirs.eval()(**fields, pixel_values=normalise(positions.patch_P)).logits[0]
        logits = ours.text_logits(ours(positions, num_rows=1))[0]
    assert float((logits - expected).abs().max()) < 1e-4


def test_a_published_checkpoint_opens_and_keeps_what_only_we_have(tmp_path: Path) -> None:
    config = random_config(2)
    theirs = published_model(config, 2)
    del theirs.config.microturn
    theirs.save_pretrained(tmp_path)
    opened = load_config(tmp_path)
    assert opened.backbone == config.backbone
    assert opened.vision == config.vision and opened.audio == config.audio
    model = InteractionModel(opened)
    slot = model.embedder.slot.clone()
    kept = load_weights(model, tmp_path)
    assert "microturn.slot" in kept and all(name.startswith("microturn.") for name in kept)
    assert torch.equal(model.embedder.slot, slot)


def test_shards_with_an_index_load(tmp_path: Path) -> None:
    model = saved(tmp_path)
    tensors = load_file(tmp_path / WEIGHTS)
    (tmp_path / WEIGHTS).unlink()
    weight_map = {name: f"part-{index % 2}.safetensors" for index, name in enumerate(tensors)}
    for file in set(weight_map.values()):
        part = {name: tensors[name] for name in tensors if weight_map[name] == file}
        save_file(part, tmp_path / file)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    other = InteractionModel(model.config)
    load_weights(other, tmp_path)
    assert equal(model, other)
    (tmp_path / "part-1.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"part-1\.safetensors"):
        load_weights(other, tmp_path)


def test_multi_token_prediction_layers_are_left_alone(tmp_path: Path) -> None:
    model = saved(tmp_path)
    change(tmp_path, model__mtp__layers__0__norm__weight=torch.ones(3))
    load_weights(InteractionModel(model.config), tmp_path)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_config(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_weights(random_model(), tmp_path / "nowhere")


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        load_config(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors"):
        load_weights(random_model(), tmp_path)


def test_a_missing_tensor_is_named_and_nothing_changes(tmp_path: Path) -> None:
    model = saved(tmp_path)
    change(tmp_path, model__llm__norm__weight=None)
    other = InteractionModel(model.config)
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(CheckpointError, match=r"model\.llm\.norm\.weight is missing"):
        load_weights(other, tmp_path)
    assert all(torch.equal(tensor, before[name]) for name, tensor in other.state_dict().items())


def test_a_tensor_of_ours_that_is_missing_among_others_is_named(tmp_path: Path) -> None:
    model = saved(tmp_path)
    change(tmp_path, microturn__slot=None)
    with pytest.raises(CheckpointError, match=r"microturn\.slot is missing"):
        load_weights(model, tmp_path)


def test_a_part_that_weights_of_before_lack_stays_new_where_it_may(tmp_path: Path) -> None:
    model = saved(tmp_path)
    finer = InteractionModel(replace(model.config, fine_audio=FineAudioConfig(8, 3)))
    with pytest.raises(CheckpointError, match=r"microturn\.fine\.\S+ is missing"):
        load_weights(finer, tmp_path)
    first = {name: tensor.clone() for name, tensor in finer.embedder.fine.state_dict().items()}
    new = load_weights(finer, tmp_path, may_lack=("microturn.fine.",))
    assert sorted(new) == sorted(f"microturn.fine.{name}" for name in first)
    assert equal(finer.transformer, model.transformer)
    assert all(torch.equal(finer.embedder.fine.state_dict()[name], first[name]) for name in first)
    save(finer, finer.config, tmp_path)
    change(tmp_path, microturn__fine__conv__bias=None)
    with pytest.raises(CheckpointError, match=r"fine\.conv\.bias is missing"):  # half of it
        load_weights(finer, tmp_path, may_lack=("microturn.fine.",))


def test_a_misshapen_tensor_is_named_with_both_shapes(tmp_path: Path) -> None:
    model = saved(tmp_path)
    change(tmp_path, model__llm__norm__weight=torch.ones(7))
    width = model.config.backbone.width
    with pytest.raises(CheckpointError, match=rf"norm\.weight has shape \[7\].*\[{width}\]"):
        load_weights(model, tmp_path)


def test_a_tensor_without_a_place_is_named(tmp_path: Path) -> None:
    model = saved(tmp_path)
    change(tmp_path, model__llm__layers__99__norm=torch.ones(7))
    with pytest.raises(CheckpointError, match=r"layers\.99\.norm has no place"):
        load_weights(model, tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\xff" * 64])
def test_a_damaged_file_is_named(content: bytes, tmp_path: Path) -> None:
    model = saved(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged"):
        load_weights(model, tmp_path)


def test_a_cut_file_is_named(tmp_path: Path) -> None:
    model = saved(tmp_path)
    data = (tmp_path / WEIGHTS).read_bytes()
    (tmp_path / WEIGHTS).write_bytes(data[: len(data) // 2])
    with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged"):
        load_weights(model, tmp_path)


def test_a_damaged_config_is_named(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"config\.json is not valid JSON"):
        load_config(tmp_path)
