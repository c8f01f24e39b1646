"""`microturn bank build` and `microturn bank stats`: options -> the bank builder in `data/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import OmitArgPrefixes, Positional, arg, subcommand

SHOWN = 60  # lines of a table
Json = Annotated[bool, arg(name="json", help="print one JSON object instead of text")]


@dataclass(frozen=True)
class BankBuild:
    """Build a speech bank: every text of the scenarios, in synthetic voices, with word times.

    Calling it again goes on where it stopped.
    """

    out: Path  # folder to write
    voices: tuple[str, ...] = ()  # none means all training voices that are installed
    own_voice: str | None = None  # the model's; none means the best that is installed
    num_made: int = 0  # further voices made of training voices: blends and warps
    engines: tuple[str, ...] = ()  # kokoro flite espeak-ng festival piper; none means what is there
    texts: tuple[Path, ...] = ()  # further texts, JSON lines: side, text, voices
    sentences: int = 0  # open sentences for both sides, to listen to and to read aloud
    scenarios: bool = True  # speak the texts of the scenarios
    own: bool = True  # the model's side too; --no-own beside a bank that has its voice
    families: tuple[str, ...] = ()  # of these alone, each a file in microturn/scenarios
    voices_per_text: int = 10
    corpora: tuple[Path, ...] = ()  # folders of human recordings
    limit: int | None = None  # at most so many clips, for a try
    workers: int | None = None  # processes; none means one a core
    skip_missing: bool = False  # name missing engines and corpora and do the rest
    sound: Literal["flac", "opus"] = "flac"
    seed: int = 0
    as_json: Json = False

    def execute(self) -> int:
        from microturn.cli import tell
        from microturn.data.build import BuildConfig, build_bank

        names = {"scenarios": "are_scenarios_wanted", "skip_missing": "are_missing_skipped",
                 "own": "is_own_wanted", "sentences": "num_sentences"}  # fmt: skip
        options = {names.get(k, k): value for k, value in vars(self).items() if k != "as_json"}
        result = build_bank(BuildConfig(**options))
        tell(self.as_json, result, describe_build(result))
        return 0


@dataclass(frozen=True)
class BankStats:
    """What speech banks hold: hours by engine and voice, distinct texts and words, licences."""

    banks: Positional[tuple[Path, ...]]  # folders with manifest*.jsonl, or .jsonl files
    as_json: Json = False

    def execute(self) -> int:
        from microturn.cli import tell
        from microturn.data.stats import bank_stats

        result = bank_stats(self.banks)
        tell(self.as_json, result, describe_stats(result))
        return 0


@dataclass(frozen=True)
class Bank:
    """Build a speech bank, or tell what is in one."""

    command: OmitArgPrefixes[
        Annotated[BankBuild, subcommand("build")] | Annotated[BankStats, subcommand("stats")]
    ]

    def execute(self) -> int:
        return self.command.execute()


def describe_build(result: dict[str, Any]) -> str:
    """The builder's report for a person."""
    lines = [f"{result['count']} clips, {result['minutes']} minutes in {result['out']}"]
    for name, corpus in result["corpora"].items():
        lines.append(
            f"{name}: {corpus['clips']} clips, {corpus['minutes']} minutes of "
            f"{corpus['recordings']} recordings; not aligned {corpus['unaligned']}, "
            f"damaged {corpus['damaged']}"
        )
        lines += [f"  damaged: {what}" for what in corpus["damaged_files"]]
    if result["failed"]:
        lines.append(f"not spoken: {result['failed']}")
        lines += [f"  {what}" for what in result["failed_clips"]]
    lines += [f"missing {name}: {how}" for name, how in result["missing"].items()]
    return "\n".join(lines)


def describe_stats(result: dict[str, Any]) -> str:
    """The numbers of banks for a person."""
    lines = [
        f"{result['clips']} clips, {result['hours']} hours, {result['voices']} voices, "
        f"{result['texts']} texts, {result['words']} words, {result['megabytes']} MB"
    ]
    if result["clips_without_word_times"]:
        lines.append(f"without word times, not used: {result['clips_without_word_times']}")
    for key, hours in result.items():
        if key.startswith("hours_by_"):
            lines.append(f"{key.removeprefix('hours_by_')}:")
            lines += [f"  {hours[name]:8.3f} h  {name}" for name in list(hours)[:SHOWN]]
            lines += [f"  and {len(hours) - SHOWN} more"] if len(hours) > SHOWN else []
    return "\n".join(lines)
