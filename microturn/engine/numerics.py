"""Whether this machine keeps the claim: the same bits alone, in company, in chunks, in training.

The claim rests on what matrix kernels do with other numbers of rows, and no library promises that.
So it is checked at the start, with the model's own weights and shapes, part by part; where a part
fails, the claim is refused and the part is named. On another processor, with another torch or on
another device the answer may be another one.

Legend: N rows, D width, S positions, F mel frames, M mel bins, K slots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from microturn.model.experts import MixtureMLP
from microturn.model.fused import normed
from microturn.model.model import InteractionModel
from microturn.model.tiles import tiled_linear
from microturn.model.together import extend_together
from microturn.sampled import log_probs
from microturn.sequence import Positions, TurnFeatures, concatenate, input_positions, text_positions
from microturn.signal.vocoder import Vocoder, VocoderState, rows_linear
from microturn.turns import AUDIO_FRAMES, NUM_SLOTS

MANY_ROWS = 320  # of which a few are computed alone
FEW_ROWS = (1, 2, 3, 5, 16, 17, 50)
CHUNKS = (1, 3, 4, 16, 50)
NUM_STREAMS = 3
WORDS = 12  # ids from here on are words, in any text


@dataclass(frozen=True)
class Finding:
    """One part: whether its bits are the same each way, what was tried, and what failed first."""

    part: str
    holds: bool
    tried: int
    failed: str = ""


@dataclass(frozen=True)
class Numerics:
    """What was found, part by part."""

    device: str
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        return all(finding.holds for finding in self.findings)

    def line(self) -> str:
        """One line for a person."""
        if self.holds:
            tried = sum(finding.tried for finding in self.findings)
            return f"the same bits alone, in company and in training ({tried} checks)"
        failed = ", ".join(f"{f.part} ({f.failed})" for f in self.findings if not f.holds)
        return f"results depend on the company: {failed}"

    def require(self) -> None:
        """Raises ValueError where the claim does not hold here."""
        if not self.holds:
            raise ValueError(
                f"on this machine ({self.device}) {self.line()}; serve without the claim, or with "
                "another version of torch"
            )


Trial = tuple[str, bool]


def verify_numerics(model: InteractionModel, vocoder: Vocoder, seed: int = 0) -> Numerics:
    """Check every part that a micro-turn goes through, with the weights and the threads at hand.

    Takes about as long as a second of conversation. Changes nothing.
    """
    rng = torch.Generator().manual_seed(seed)
    device = model.transformer.norm.weight.device
    parts: dict[str, Callable[[], Iterator[Trial]]] = {
        "linears": lambda: linears(model, vocoder, rng, device),
        "threads": lambda: threads(model, rng, device),
        "norms and softmax": lambda: rowwise(model.config.backbone.width, rng, device),
        "experts": lambda: experts(model, rng, device),
        "streams and whole rows": lambda: streams(model, rng),
        "training": lambda: training(model, rng),
        "company": lambda: company(model, rng),
        "flow head": lambda: flow_head(model, rng, device),
        "vocoder": lambda: voices(vocoder, rng),
    }
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            found = tuple(finding(name, list(trials())) for name, trials in parts.items())
    finally:
        model.train(was_training)
    return Numerics(str(device), found)


def finding(part: str, trials: Sequence[Trial]) -> Finding:
    failed = next((name for name, is_equal in trials if not is_equal), "")
    return Finding(part, not failed, len(trials), failed)


def noise(rng: torch.Generator, device: torch.device, *shape: int) -> Tensor:
    return torch.randn(shape, generator=rng).to(device)


def alone_and_among(
    name: str, work: Callable[[Tensor], Tensor], x_ND: Tensor, counts: Sequence[int] = FEW_ROWS
) -> Iterator[Trial]:
    """Few rows, the first and the last ones, against the same rows among all."""
    whole = work(x_ND)
    for count in counts:
        is_equal = torch.equal(work(x_ND[:count]), whole[:count])
        is_equal = is_equal and torch.equal(work(x_ND[-count:]), whole[-count:])
        yield f"{name}, {count} of {len(x_ND)} rows", is_equal


def linears(
    model: InteractionModel, vocoder: Vocoder, rng: torch.Generator, device: torch.device
) -> Iterator[Trial]:
    """One linear of each shape; those of the vocoder as it runs them."""

    def as_model(linear: nn.Linear, x_ND: Tensor) -> Tensor:
        return tiled_linear(x_ND, linear.weight, linear.bias)

    def as_vocoder(linear: nn.Linear, x_ND: Tensor) -> Tensor:
        return rows_linear(x_ND, linear)

    for owner, name, work in ((model, "", as_model), (vocoder, "vocoder ", as_vocoder)):
        shapes: dict[tuple[int, ...], nn.Linear] = {}
        for module in owner.modules():
            if isinstance(module, nn.Linear):
                shapes.setdefault(tuple(module.weight.shape), module)
        for (width_out, width_in), linear in shapes.items():
            x_ND = noise(rng, device, MANY_ROWS, width_in)
            what = f"{name}{width_in} to {width_out}"
            yield from alone_and_among(what, partial(work, linear), x_ND)


def threads(model: InteractionModel, rng: torch.Generator, device: torch.device) -> Iterator[Trial]:
    """One thread and two: a trainer may have more than the engine."""
    weight = model.transformer.unembedding.weight
    x_ND = noise(rng, device, MANY_ROWS, weight.shape[1])
    before = torch.get_num_threads()
    found: list[Tensor] = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            found.append(tiled_linear(x_ND, weight))
    finally:
        torch.set_num_threads(before)
    yield "one and two", torch.equal(*found)


def rowwise(width: int, rng: torch.Generator, device: torch.device) -> Iterator[Trial]:
    """What works along the last dimension."""
    x_ND = noise(rng, device, MANY_ROWS, width)
    weight_D = noise(rng, device, width)
    yield from alone_and_among("norm", lambda x: normed(x, weight_D, 1e-6)[0], x_ND)
    yield from alone_and_among("layer norm", lambda x: functional.layer_norm(x, (width,)), x_ND)
    yield from alone_and_among("log-probabilities", log_probs, 4 * x_ND)


def experts(model: InteractionModel, rng: torch.Generator, device: torch.device) -> Iterator[Trial]:
    """The first mixture: router and experts, with even and with skewed load."""
    mixtures = [part for part in model.modules() if isinstance(part, MixtureMLP)]
    for part in mixtures[:1]:
        even_ND = noise(rng, device, MANY_ROWS, model.config.backbone.width)
        yield from alone_and_among("even load", part, even_ND)
        skewed_ND = even_ND[:1] + 0.01 * even_ND
        yield from alone_and_among("skewed load", part, skewed_ND)


def words(model: InteractionModel, rng: torch.Generator, count: int) -> Positions:
    """Any words."""
    id_S = torch.randint(WORDS, model.config.backbone.vocab_size, (count,), generator=rng)
    return text_positions([int(token_id) for token_id in id_S])


def a_row(model: InteractionModel, rng: torch.Generator, num_turns: int) -> Positions:
    """A row of sound and words, as micro-turns bring them."""
    audio = model.config.audio
    parts: list[Positions] = []
    for index in range(num_turns):
        bins = (AUDIO_FRAMES, audio.num_mel_bins)
        heard, said = (torch.randint(audio.num_levels, bins, generator=rng) for _ in range(2))
        is_said = index % 2 == 0
        features = TurnFeatures(
            index, heard.to(torch.uint8), said.to(torch.uint8) if is_said else None
        )
        parts += [input_positions(features), words(model, rng, 2)]
    return concatenate(parts)


def in_runs(row: Positions) -> list[Positions]:
    """A row of words again, cut into chunks of all sizes."""
    runs: list[Positions] = []
    done = 0
    while done < len(row):
        end = min(len(row), done + CHUNKS[len(runs) % len(CHUNKS)])
        runs.append(text_positions([int(token_id) for token_id in row.id_S[done:end]]))
        done = end
    return runs


def streams(model: InteractionModel, rng: torch.Generator) -> Iterator[Trial]:
    """Chunks of all sizes against whole rows, beyond a block of keys; log-probabilities too."""
    row = words(model, rng, MANY_ROWS)
    whole_SD = model(row, 1)[0]
    state = model.transformer.new_state()
    hidden_SD = torch.cat([model.extend(run, state) for run in in_runs(row)])
    yield f"chunks of {', '.join(map(str, CHUNKS))}", torch.equal(hidden_SD, whole_SD)
    few_NV = log_probs(model.text_logits(hidden_SD[:3]))
    yield "log-probabilities", torch.equal(few_NV, log_probs(model.text_logits(whole_SD))[:3])
    rows = [a_row(model, rng, 20) for _ in range(2)]
    both_BSD = model(concatenate(rows), len(rows))
    alone = torch.stack([model(row, 1)[0] for row in rows])
    yield "rows of a batch", torch.equal(alone, both_BSD)


def training(model: InteractionModel, rng: torch.Generator) -> Iterator[Trial]:
    """A row with gradients against the same row without: they may have kernels of their own."""
    row = words(model, rng, MANY_ROWS)
    served_SD = model(row, 1)[0]
    with torch.inference_mode(False), torch.enable_grad():
        trained_SD = model(concatenate([row]), 1)[0].detach()
    yield "with gradients", torch.equal(trained_SD, served_SD)


def company(model: InteractionModel, rng: torch.Generator) -> Iterator[Trial]:
    """Streams side by side against each alone."""
    states = [model.transformer.new_state() for _ in range(NUM_STREAMS)]
    alone = [model.transformer.new_state() for _ in range(NUM_STREAMS)]
    for name in ("sound", "one word", "sound", "words"):
        runs = [
            a_row(model, rng, 1)
            if name == "sound"
            else words(model, rng, 1 if name == "one word" else 2 + place)
            for place in range(NUM_STREAMS)
        ]
        together = extend_together(model, runs, states, [0] * NUM_STREAMS)
        for run, state, hidden_SD in zip(runs, alone, together, strict=True):
            yield f"{NUM_STREAMS} streams, {name}", torch.equal(model.extend(run, state), hidden_SD)


def flow_head(
    model: InteractionModel, rng: torch.Generator, device: torch.device
) -> Iterator[Trial]:
    """Velocities of one micro-turn alone and among several at other times."""
    config, width = model.config.flow, model.config.backbone.width
    count = 5
    x_BFM = noise(rng, device, count, config.num_frames, config.num_mel_bins)
    context_BFM = noise(rng, device, count, config.num_context_frames, config.num_mel_bins)
    slots_BKD = noise(rng, device, count, NUM_SLOTS, width)
    t_B = torch.linspace(0, 0.8, count, device=device)

    def velocity(rows: slice) -> Tensor:
        condition = model.flow.condition(context_BFM[rows], slots_BKD[rows])
        return model.flow.velocity(x_BFM[rows], t_B[rows], condition)

    whole = velocity(slice(0, count))
    for first, end in ((0, 1), (2, 3), (1, 4)):
        rows = slice(first, end)
        yield f"{end - first} of {count} micro-turns", torch.equal(velocity(rows), whole[rows])


def voices(vocoder: Vocoder, rng: torch.Generator) -> Iterator[Trial]:
    """One voice alone and among others; in pieces and whole."""
    device, num_mel_bins = vocoder.mel_in.weight.device, vocoder.mel_in.in_features
    mel_BFM = noise(rng, device, NUM_STREAMS, 40, num_mel_bins)
    whole_BN = vocoder(mel_BFM)
    yield f"1 of {NUM_STREAMS} voices", torch.equal(vocoder(mel_BFM[1:2]), whole_BN[1:2])
    state: VocoderState | None = None
    parts: list[Tensor] = []
    for first in (0, 20):
        audio_N, state = vocoder.stream(mel_BFM[0, first : first + 20], state)
        parts.append(audio_N)
    yield "pieces of 200 ms", torch.equal(torch.cat(parts), whole_BN[0])
