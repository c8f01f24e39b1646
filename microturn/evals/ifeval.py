"""The four IFEval accuracies: strict and loose, of prompts and of instructions, and their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from microturn.evals.episode import Instruction
from microturn.evals.ifeval_checks import follows


@dataclass(frozen=True)
class PromptResult:
    """Per instruction of one prompt, whether the reply follows it."""

    strict: tuple[bool, ...]
    loose: tuple[bool, ...]


@dataclass(frozen=True)
class Accuracies:
    """The four shares, 0 to 1; `final` is their mean (VoiceBench)."""

    prompt_strict: float
    instruction_strict: float
    prompt_loose: float
    instruction_loose: float

    @property
    def final(self) -> float:
        four = (self.prompt_strict, self.instruction_strict)
        return (sum(four) + self.prompt_loose + self.instruction_loose) / 4


def variants(reply: str) -> list[str]:
    """The eight readings of a loose check: without first, last or both lines; without `*`."""
    lines = reply.split("\n")
    cut = [lines, lines[1:], lines[:-1], lines[1:-1]]
    plain = ["\n".join(part).strip() for part in cut]
    return plain + [text.replace("*", "") for text in plain]


def grade_reply(instructions: Sequence[Instruction], reply: str) -> PromptResult:
    """Check a reply against its instructions. Raises ValueError for unknown ones."""
    strict = tuple(follows(part.id, part.kwargs, reply) for part in instructions)
    loose = tuple(
        any(follows(part.id, part.kwargs, text) for text in variants(reply))
        for part in instructions
    )
    return PromptResult(strict, loose)


def accuracies(results: Sequence[PromptResult]) -> Accuracies:
    """The four shares over prompts. Raises ValueError where there are none."""
    num = sum(len(result.strict) for result in results)
    if not num:
        raise ValueError("the IFEval accuracies need at least one prompt with an instruction")
    return Accuracies(
        prompt_strict=sum(all(result.strict) for result in results) / len(results),
        instruction_strict=sum(sum(result.strict) for result in results) / num,
        prompt_loose=sum(all(result.loose) for result in results) / len(results),
        instruction_loose=sum(sum(result.loose) for result in results) / num,
    )
