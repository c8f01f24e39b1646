"""`microturn synth` and `microturn data check`, `hear` and `bench`: options -> the generators
in `data/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import OmitArgPrefixes, arg, subcommand

Json = Annotated[bool, arg(name="json", help="print one JSON object instead of text")]


@dataclass(frozen=True)
class DataCheck:
    """Check a sample of what training would be given, and print what it is made of.

    Exit code 1 where something is wrong with it.
    """

    bank: tuple[Path, ...]  # speech banks: folders with manifest*.jsonl, or .jsonl files
    families: tuple[str, ...] = ()  # skills, each a file in microturn/scenarios; none means all
    count: int = 100  # conversations
    by_family: int = 0  # further conversations of each skill alone, for a table of skills
    seed: int = 0
    seconds: int = 32  # length of each
    tokenizer: Path | None = None  # default: that of the shipped nano
    as_json: Json = False

    def execute(self) -> int:
        from microturn.cli import tell
        from microturn.data.checks import CheckConfig, check_banks
        from microturn.data.synth import SHIPPED_TOKENIZER

        for name, least in (("count", 1), ("by_family", 0), ("seconds", 5)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        config = CheckConfig(
            self.count, self.families, self.seed, self.seconds * 1000, self.by_family
        )
        result = check_banks(self.bank, self.tokenizer or SHIPPED_TOKENIZER, config)
        tell(self.as_json, result, describe_check(result))
        return 0 if result["is_ok"] else 1


@dataclass(frozen=True)
class DataBench:
    """Measure how many hours of conversation are made in an hour, and where the time goes."""

    bank: tuple[Path, ...]  # speech banks: folders with manifest*.jsonl, or .jsonl files
    count: int = 40  # conversations of each worker
    roughness: float = 0.0  # share in hard acoustics
    has_rooms: bool = False  # shoebox rooms among them; needs the extra [data]
    workers: int = 0  # processes; 0 means one a core
    seed: int = 0
    tokenizer: Path | None = None  # default: that of the shipped nano
    as_json: Json = False

    def execute(self) -> int:
        from microturn.cli import tell
        from microturn.data.synth import SHIPPED_TOKENIZER
        from microturn.data.throughput import ThroughputConfig, measure

        if not 0 <= self.roughness <= 1:
            raise ValueError(f"roughness must be 0 to 1, got {self.roughness}")
        options = {key: value for key, value in vars(self).items() if key != "as_json"}
        options["tokenizer"] = self.tokenizer or SHIPPED_TOKENIZER
        result = measure(ThroughputConfig(**options))
        tell(self.as_json, result, describe_throughput(result))
        return 0


@dataclass(frozen=True)
class DataHear:
    """Word error rate of a recogniser on the rendered lanes, voice by voice: clean and noisy."""

    bank: tuple[Path, ...]  # speech banks: folders with manifest*.jsonl, or .jsonl files
    recogniser: str = "pocketsphinx"  # or "whisper", a faster-whisper's folder, model:NAME_OR_PATH
    voices: tuple[str, ...] = ()  # none means all
    clips: int = 12  # of each voice
    seed: int = 0
    as_json: Json = False

    def execute(self) -> int:
        from microturn.cli import tell
        from microturn.data.bank import Bank
        from microturn.data.hearing import HearConfig, SphinxHearing, hear
        from microturn.engine.listener import Listener
        from microturn.engine.load import load
        from microturn.evals.recogniser import Whisper

        kind, _, model = self.recogniser.partition(":")
        recogniser: SphinxHearing | Listener | Whisper
        if self.recogniser == SphinxHearing.name:
            recogniser = SphinxHearing()
        elif kind == "model":
            recogniser = Listener(load(model), self.recogniser)
        else:
            is_named = self.recogniser != "whisper"
            recogniser = Whisper(Path(self.recogniser) if is_named else None)
        bank = Bank.load(self.bank, for_training=False)
        config = HearConfig(self.voices, self.clips, self.seed)
        result = hear(bank, recogniser, recogniser.name, config)
        tell(self.as_json, result, describe_hearing(result))
        return 0


@dataclass(frozen=True)
class Data:
    """Check what a model would be trained on, hear it, or measure how fast it is made."""

    command: OmitArgPrefixes[
        Annotated[DataCheck, subcommand("check")]
        | Annotated[DataHear, subcommand("hear")]
        | Annotated[DataBench, subcommand("bench")]
    ]

    def execute(self) -> int:
        return self.command.execute()


def describe_check(result: dict[str, Any]) -> str:
    """The report of the check for a person."""
    delays, published = result["transcript_delay_turns"], result["published"]
    lines = [f"{'statistic':26} {'here':34} people"]
    for name, value in result["balance"].items():
        people = published.get(name)
        beside = f"{people[0]} ({people[2]})" if people else ""
        lines.append(f"{name:26} {in_words(value):34} {beside}".rstrip())
    lines.append(f"{'words written after':26} {in_words(delays)} micro-turns: words")
    if result["by_family"]:
        shown = ("floor_speak_share", "user_speech_share", "overlap_share", "answer_ms")
        lines.append(f"\n{'skill':20} " + " ".join(f"{name:>20}" for name in shown))
        for family, numbers in result["by_family"].items():
            cells = (in_words(numbers[name], is_short=True) for name in shown)
            lines.append(f"{family:20} " + " ".join(f"{cell:>20}" for cell in cells))
    missing = {name: sides for name, sides in result["coverage"].items() if min(sides.values()) < 1}
    if missing:
        lines.append("\ntexts that the bank lacks; a skill plays only what it can say:")
        lines += [
            f"  {name:20} user {sides['user']:4.0%}, own {sides['own']:4.0%} are there"
            for name, sides in missing.items()
        ]
    shared = result["kept_by_one_trained_by_another"]
    if shared:
        lines.append(f"\nkept by one skill and trained by another: {len(shared)} texts")
    for key, message in result["skipped"]["clips"].items():
        lines.append(f"damaged clip {key}: {message}")
    for kind, faults in result["faults"].items():
        lines.append(f"\n{result['num_faults'][kind]} faults of kind {kind}:")
        lines += [f"  {fault}" for fault in faults]
    wrong = sum(result["num_faults"].values())
    lines.append(f"\n{wrong} faults" if wrong else "\nno faults")
    return "\n".join(lines)


def in_words(value: Any, is_short: bool = False) -> str:
    """A figure of the check: a number, or times."""
    if not isinstance(value, dict):
        return str(value)
    if is_short:
        return f"{value['median']} ms" if "median" in value else "-"
    return ", ".join(f"{name} {number}" for name, number in value.items()) or "-"


def describe_throughput(result: dict[str, Any]) -> str:
    """The speed for a person."""
    hours, seconds = result["hours_an_hour_per_core"], result["seconds_per_episode"]
    lines = [
        f"one core: {hours['first']} hours an hour while clips are decoded, then "
        f"{hours['clips_decoded']} ({seconds['first']} and {seconds['clips_decoded']} s of "
        "processor time for each conversation)",
        f"{result['hours_an_hour']['workers']} processes on {result['cores']} cores: "
        f"{result['hours_an_hour']['on_the_wall']} hours an hour on the wall "
        f"(load before: {result['load_1min']})",
    ]
    lines += [f"  {share:6.1%}  {name}" for name, share in result["share_by_part"].items()]
    return "\n".join(lines)


def describe_hearing(result: dict[str, Any]) -> str:
    """Word error rates for a person, the worst voice first."""
    lines = [f"{result['recogniser']}\n{'voice':28} {'engine':12} clips words  clean  noisy"]
    for lane in ("own", "user"):
        rows = [*result[lane].items()]
        rows.sort(key=lambda row: (-row[1].get("wer_clean", 0.0), row[0]))
        rows += [(f"all {lane}", numbers) for numbers in result["by_engine"][lane].values()]
        for voice, numbers in rows:
            rates = "".join(
                f" {numbers[name]:6.1%}" for name in ("wer_clean", "wer_noisy") if name in numbers
            )
            counts = f"{numbers['clips']:5} {numbers['words']:5}"
            lines.append(f"{voice:28} {numbers['engine']:12} {counts}{rates}")
    lines += [f"damaged clip {key}: {what}" for key, what in result["skipped"].items()]
    return "\n".join(lines)


def synth(
    out: Path | None,
    bank: tuple[Path, ...],
    families: tuple[str, ...],
    count: int,
    seed: int,
    seconds: int,
    roughness: float,
    gallery: Path | None = None,
) -> dict[str, Any]:
    """Write `count` conversations, or a gallery of the skills.

    Raises ValueError for an unknown family or an unusable bank.
    """
    from microturn.data.loader import weights

    if (out is None) == (gallery is None):
        raise ValueError("synth writes conversations to --out or pictures to --gallery: give one")
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    if seconds < 5:
        raise ValueError(f"a conversation needs at least 5 seconds, got {seconds}")
    if not 0 <= roughness <= 1:
        raise ValueError(f"roughness must be 0 to 1, got {roughness}")
    weights(dict.fromkeys(families, 1.0) or None)
    if gallery is not None:
        from microturn.data.gallery import write_gallery

        return write_gallery(gallery, bank, families, seed)
    from microturn.data.synth import synthesize

    assert out is not None
    return synthesize(
        out=out,
        bank=bank,
        families=families,
        count=count,
        seed=seed,
        duration_ms=seconds * 1000,
        roughness=roughness,
    )
