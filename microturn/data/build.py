"""Builds a speech bank: `microturn bank build --out DIR`.

Each process writes a manifest of its own, a line as soon as a clip is on disk. So it may be stopped
at any moment, loses nothing that is finished, and goes on where it was when it is called again. A
folder holds training voices or voices kept for evaluation, never both.
"""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import queue
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from microturn.data.align import MISSING, Aligner, Spread, find_aligner, whole_lines
from microturn.data.recorded import Tally, write_corpus
from microturn.data.speak import (
    SOUNDS,
    VOICES_PER_TEXT,
    Job,
    make,
    open_sentences,
    plan,
    read_texts,
)
from microturn.data.speakers import (
    Speaker,
    choose_voices,
    find_speakers,
    foreign_voices,
    speaker_of,
)
from microturn.data.voices import made_of, may_train

ALIVE_S = 5  # between two looks whether all processes are alive
LISTED = 20  # failures that are named; all are counted
Outcome = tuple[Job, "dict[str, Any] | str"]


@dataclass(frozen=True)
class BuildConfig:
    """What to build. Empty engines: all that are installed. workers None: one a core.

    are_missing_skipped: engines and corpora that are not there are named, and the rest is done.
    families: of which skills the texts are; none means all.
    corpora: people's recordings; those that train, or beside voices that are kept those that
    validate. num_made: voices made of training voices (blends and warps), besides those.
    num_sentences: open sentences, for both sides. is_own_wanted False: the user's side only, for a
    bank beside one that has the model's voice.
    """

    out: Path
    voices: tuple[str, ...] = ()
    own_voice: str | None = None
    num_made: int = 0
    engines: tuple[str, ...] = ()
    texts: tuple[Path, ...] = ()
    are_scenarios_wanted: bool = True
    is_own_wanted: bool = True
    families: tuple[str, ...] = ()
    num_sentences: int = 0
    voices_per_text: int = VOICES_PER_TEXT
    corpora: tuple[Path, ...] = ()
    limit: int | None = None
    seed: int = 0
    workers: int | None = 1
    are_missing_skipped: bool = False
    sound: str = "flac"

    def __post_init__(self) -> None:
        if self.num_sentences < 0:
            raise ValueError(f"num_sentences must be at least 0, got {self.num_sentences}")
        for name in ("limit", "workers", "voices_per_text"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if self.sound not in SOUNDS:
            raise ValueError(f"sound must be one of {', '.join(SOUNDS)}, got {self.sound}")


@dataclass
class Done:
    """What a folder holds and what went wrong on the way."""

    seconds: dict[str, float] = field(default_factory=dict[str, float])
    made: int = 0
    failed: list[str] = field(default_factory=list[str])


def read_done(out: Path, own_voice: str, users: Sequence[str]) -> dict[str, float]:
    """Seconds of each clip made so far, of those whose sound is there.

    Raises ValueError for another own voice, and where training and evaluation would mix.
    """
    manifests = [out / "manifest.jsonl", *sorted(out.glob("manifest_[0-9]*.jsonl"))]
    lines = [line for manifest in manifests for line in whole_lines(manifest)]
    other = {str(line["voice"]) for line in lines if line.get("side") == "own"} - {own_voice}
    if other:
        raise ValueError(
            f"{out} speaks for the model with {', '.join(sorted(other))}, "
            f"not {own_voice}; build into a new folder"
        )
    spoken = {str(line["voice"]) for line in lines if line.get("side") != "own"}
    if {may_train(voice) for voice in spoken} - {may_train(voice) for voice in users}:
        raise ValueError(
            f"{out} holds voices of the other kind (training or evaluation); "
            "build into a new folder"
        )
    return {
        str(line["key"]): float(line["seconds"]) for line in lines if (out / line["file"]).is_file()
    }


# ---- workers


@dataclass
class Worker:
    """What one process needs to speak, and the manifest that is its own."""

    speakers: Sequence[Speaker]
    aligner: Aligner
    manifest: Path
    sound: str

    def __call__(self, job: Job) -> Outcome:
        """The clip's line, or why there is none. Raises ValueError where the disk is full."""
        out = self.manifest.parent
        try:
            speaker = speaker_of(job.voice, self.speakers)
            line = make(job, speaker, self.aligner, out, self.sound)
            with self.manifest.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(line) + "\n")
        except OSError as error:
            raise disk_error(error, out) from error
        except (ValueError, RuntimeError) as error:
            return job, f"{job.voice} {job.text!r}: {error}"
        return job, line


def disk_error(error: OSError, out: Path) -> ValueError:
    """What to tell the user about a failed write."""
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    what = "the disk is full" if is_full else f"cannot write: {error.strerror or error}"
    return ValueError(f"{out}: {what}; nothing finished is lost: mend it and call again to go on")


def work(
    jobs: Sequence[Job], engines: Sequence[str], manifest: Path, sound: str, done: Any
) -> None:
    """A process: speak jobs and put each outcome into a queue; at last None, or what stops it."""
    parent = multiprocessing.parent_process()
    try:
        speakers, _ = find_speakers(engines, is_missing_fine=True)
        worker = Worker(speakers, find_aligner(), manifest, sound)
        for job in jobs:
            if parent is not None and not parent.is_alive():
                done.cancel_join_thread()
                return
            done.put(worker(job))
        done.put(None)
    except ValueError as error:
        done.put(error)


def manifest_of(config: BuildConfig, place: int | None = None) -> Path:
    """The manifest of a process; without a place, of this one."""
    return config.out / ("manifest.jsonl" if place is None else f"manifest_{place}.jsonl")


def in_processes(
    jobs: Sequence[Job], config: BuildConfig, engines: Sequence[str], workers: int
) -> Iterator[Outcome]:
    """Outcomes of several processes as they come. Raises ValueError where one of them stops."""
    context = multiprocessing.get_context("spawn")
    done = context.Queue()
    processes = [
        context.Process(
            target=work,
            args=(jobs[place::workers], engines, manifest_of(config, place), config.sound, done),
            daemon=True,
        )
        for place in range(workers)
    ]
    for process in processes:
        process.start()
    running = workers
    try:
        while running:
            try:
                outcome = done.get(timeout=ALIVE_S)
            except queue.Empty:
                if any(process.exitcode for process in processes):
                    raise ValueError(
                        "a process that speaks died (memory?); call again with fewer --workers"
                    ) from None
                continue
            if isinstance(outcome, ValueError):
                raise outcome
            if outcome is None:
                running -= 1
            else:
                yield outcome
    finally:
        for process in processes:
            process.terminate()
            process.join()


def outcomes(
    jobs: Sequence[Job], config: BuildConfig, speakers: Sequence[Speaker], workers: int
) -> Iterator[Outcome]:
    """Speak jobs, here or in several processes."""
    if workers == 1 or len(jobs) < 2 * workers:
        return map(Worker(speakers, find_aligner(), manifest_of(config), config.sound), jobs)
    return in_processes(jobs, config, [speaker.name for speaker in speakers], workers)


def speak_jobs(
    jobs: Sequence[Job], config: BuildConfig, speakers: Sequence[Speaker], done: Done
) -> None:
    """Speak jobs into the folder. Raises ValueError where the disk is full."""
    workers = config.workers or os.cpu_count() or 1
    with tqdm(total=len(jobs), desc="speaking", unit="clip", disable=None) as progress:
        for job, outcome in outcomes(jobs, config, speakers, workers):
            progress.update()
            if isinstance(outcome, str):
                done.failed.append(outcome)
            else:
                done.seconds[job.key] = outcome["seconds"]
                done.made += 1


# ---- the whole


def add_corpora(config: BuildConfig, is_training: bool, missing: dict[str, str]) -> dict[str, Any]:
    """Align the corpora into the folder; what each gave."""
    found: dict[str, Any] = {}
    if config.corpora and isinstance(find_aligner(), Spread):
        missing["aligner of recordings"] = MISSING
    for folder in config.corpora:
        try:
            tallies = write_corpus(
                folder, config.out, "train" if is_training else "validation", config.workers
            )
        except ValueError as error:
            if not config.are_missing_skipped:
                raise
            missing[str(folder)] = str(error)
            continue
        except OSError as error:
            raise disk_error(error, config.out) from error
        found |= {name: told(tally) for name, tally in tallies.items()}
    return found


def told(tally: Tally) -> dict[str, Any]:
    """A corpus's tally for the report."""
    return {
        "recordings": tally.recordings,
        "clips": tally.made,
        "minutes": round(tally.seconds / 60, 1),
        "unaligned": len(tally.unaligned),
        "damaged": len(tally.damaged),
        "damaged_files": tally.damaged[:LISTED],
    }


def build_bank(config: BuildConfig, speakers: Sequence[Speaker] | None = None) -> dict[str, Any]:
    """Build or continue a bank. Returns what the folder holds and what is missing.

    Raises ValueError for an unusable wish, where no engine is installed, and where the disk is
    full.
    """
    missing: dict[str, str] = {}
    if config.corpora and not config.texts and not config.are_scenarios_wanted:
        is_training = not config.voices or may_train(config.voices[0])
        corpora = add_corpora(config, is_training, missing)
        return report(config, Done(), corpora, missing)
    if speakers is None:
        speakers, missing = find_speakers(config.engines, config.are_missing_skipped)
    own_voice, users = choose_voices(
        speakers, config.voices, config.own_voice, config.num_made, bool(config.engines)
    )
    extras = [extra for path in config.texts for extra in read_texts(path)]
    extras += open_sentences(
        config.num_sentences, "train" if may_train(users[0]) else "eval", config.seed
    )
    for voice in sorted({voice for extra in extras for voice in extra.voices}):
        speaker_of(voice, speakers)
        if may_train(voice) != may_train(users[0]):
            raise ValueError(f"{voice} in the texts is on the other side of the split of voices")
        if own_voice in made_of(voice).parents:
            raise ValueError(f"{voice} in the texts is the model's own voice; take another")
    (config.out / "clips").mkdir(parents=True, exist_ok=True)
    done = Done(read_done(config.out, own_voice, users))
    corpora = add_corpora(config, may_train(users[0]), missing)
    foreign = foreign_voices(speakers) if may_train(users[0]) else {}
    if config.are_scenarios_wanted and may_train(users[0]) and not foreign:
        missing["foreign phrases"] = "apt install espeak-ng"
    jobs = plan(
        own_voice,
        users,
        config.seed,
        extras,
        config.voices_per_text,
        config.are_scenarios_wanted,
        foreign,
        config.families,
    )
    jobs = [job for job in jobs if config.is_own_wanted or job.side != "own"]
    jobs = [job for job in jobs[: config.limit] if job.key not in done.seconds]
    speak_jobs(jobs, config, speakers, done)
    engines = sorted({speaker_of(voice, speakers).name for voice in (own_voice, *users)})
    spoken = {"own_voice": own_voice, "voices": users, "engines": engines}
    return report(config, done, corpora, missing) | spoken


def report(
    config: BuildConfig, done: Done, corpora: dict[str, Any], missing: dict[str, str]
) -> dict[str, Any]:
    """What the folder holds and what went wrong."""
    return {
        "out": str(config.out),
        "count": len(done.seconds),
        "made": done.made,
        "minutes": round(sum(done.seconds.values()) / 60, 2),
        "failed": len(done.failed),
        "failed_clips": done.failed[:LISTED],
        "corpora": corpora,
        "missing": missing,
    }
