"""The vocoder: streamed equals whole, to the bit; its files refuse what does not fit."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from microturn.signal.mel import OUTPUT_HOP, OUTPUT_WINDOW, hann
from microturn.signal.vocoder import (
    TAIL_SAMPLES,
    Vocoder,
    VocoderConfig,
    load_vocoder,
    overlap_add,
    save_vocoder,
    window_envelope,
)


def small(seed: int = 0) -> Vocoder:
    torch.manual_seed(seed)
    return Vocoder(VocoderConfig(width=48, num_blocks=2)).eval()


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
@torch.inference_mode()
def test_streamed_equals_whole_bit_for_bit(lengths, seed):
    vocoder = small()
    mel = torch.randn(sum(lengths), 80, generator=torch.Generator().manual_seed(seed))
    whole = vocoder(mel[None])[0]
    parts, state = [], None
    for part in mel.split(lengths):
        audio, state = vocoder.stream(part, state)
        assert len(audio) == OUTPUT_HOP * len(part)
        parts.append(audio)
    assert torch.equal(torch.cat(parts), whole)
    assert vocoder.flush(state).shape == (TAIL_SAMPLES,)


@torch.inference_mode()
def test_micro_turns_of_the_shipped_size_equal_the_whole():
    torch.manual_seed(0)
    vocoder, mel = Vocoder().eval(), torch.randn(60, 80)
    assert 1_000_000 <= sum(value.numel() for value in vocoder.parameters()) <= 1_600_000
    parts, state = [], None
    for part in mel.split(20):
        audio, state = vocoder.stream(part, state)
        parts.append(audio)
    assert torch.equal(torch.cat(parts), vocoder(mel[None])[0])


@torch.inference_mode()
def test_a_later_frame_changes_nothing_before_it():
    vocoder, mel = small(), torch.randn(1, 30, 80)
    changed = mel.clone()
    changed[:, 20] += 1.0
    before, after = vocoder(mel)[0], vocoder(changed)[0]
    assert torch.equal(before[: 20 * OUTPUT_HOP], after[: 20 * OUTPUT_HOP])
    assert not torch.equal(before[20 * OUTPUT_HOP :], after[20 * OUTPUT_HOP :])


@torch.inference_mode()
def test_forgetting_the_state_is_noticed():
    vocoder, mel = small(), torch.randn(40, 80)
    whole = vocoder(mel[None])[0]
    forgetful = torch.cat([vocoder.stream(part, None)[0] for part in mel.split(20)])
    assert not torch.allclose(forgetful, whole, atol=1e-4)


def test_overlap_add_of_analysis_frames_gives_the_waveform_back():
    audio = torch.randn(1, 6000)
    padded = torch.nn.functional.pad(audio, (TAIL_SAMPLES, OUTPUT_WINDOW))
    frames = padded.unfold(1, OUTPUT_WINDOW, OUTPUT_HOP) * hann(OUTPUT_WINDOW).square()
    done, _ = overlap_add(frames, torch.zeros(1, TAIL_SAMPLES))
    restored = done / window_envelope().repeat(frames.shape[1])
    assert torch.allclose(restored[:, TAIL_SAMPLES : TAIL_SAMPLES + 6000], audio, atol=1e-5)


def test_saved_and_loaded(tmp_path):
    vocoder = small()
    save_vocoder(vocoder, tmp_path, dtype=torch.float32)
    mel = torch.randn(1, 5, 80)
    assert torch.equal(load_vocoder(tmp_path)(mel), vocoder(mel))


@pytest.mark.parametrize("fault", ["missing file", "missing tensor", "shape", "damaged"])
def test_faults_are_named(tmp_path, fault):
    save_vocoder(small(), tmp_path)
    file = tmp_path / "vocoder.safetensors"
    tensors = load_file(file)
    if fault == "missing file":
        file.unlink()
    elif fault == "missing tensor":
        del tensors["out.bias"]
        save_file(tensors, file)
    elif fault == "shape":
        tensors["out.bias"] = tensors["out.bias"][:-1].clone()
        save_file(tensors, file)
    else:
        file.write_bytes(file.read_bytes()[:100])
    words = {"missing file": "has no", "missing tensor": "out.bias is missing"}
    words |= {"shape": "out.bias has shape", "damaged": "damaged"}
    with pytest.raises(ValueError, match=words[fault]):
        load_vocoder(tmp_path)
