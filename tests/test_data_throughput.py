"""The speed is that of the same conversations as training; nothing hangs on the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from microturn import cli
from microturn.data import throughput
from microturn.data.throughput import PARTS, ThroughputConfig, hours_an_hour, measure
from microturn.signal.text import Text
from tests.tones import TOKENIZER, tones

TEXTS = ("What is the capital of Japan?", "Hello.", "Thanks.")
ANSWERS = ("It is Tokyo.", "Hello, how can I help?", "You are welcome.")
DIGEST = """
import hashlib
from itertools import islice
from microturn.data.loader import EPISODE_MS, episodes, plan, weights
from microturn.data.pack import PackConfig, pack
from tests.tones import shipped_text, tone_bank
digest, text = hashlib.sha256(), shipped_text()
for name in weights(None):
    timeline, sound = plan(3, 1, tone_bank(), {name: 1.0}, 32_000, 0.5)
    digest.update(repr((timeline.events, timeline.typed, timeline.written, timeline.expects,
                        timeline.marks, timeline.instructions, sound)).encode())
stream = episodes(3, 0, tone_bank(), text, duration_ms=6000, roughness=0.5)
batch = pack(list(islice(stream, 3)), text.markers, PackConfig(), 1)
for tensor in (*vars(batch.positions).values(), batch.target_S, batch.mel_UFM):
    digest.update(tensor.numpy().tobytes())
print(digest.hexdigest())
"""


def digest_of(seed: str) -> str:
    """The digest that a process of its own finds."""
    root = Path(__file__).parent.parent
    env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-c", DIGEST], env=env, capture_output=True, text=True, cwd=root
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_the_same_bytes_in_every_process():
    """Sets have another order in each process; nothing may follow it."""
    assert digest_of("1") == digest_of("4711") != ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = []
    for voice, texts, rate_hz in (("af_alloy", TEXTS, 16_000), ("af_heart", ANSWERS, 24_000)):
        for number, text in enumerate(texts):
            spoken = tones(text, rate_hz, 200.0)
            name = f"{voice}_{number}"
            soundfile.write(tmp_path / f"{name}.flac", spoken.audio, rate_hz)
            words = [[w.text, w.start_ms, w.end_ms] for w in spoken.words or ()]
            lines.append(json.dumps({"key": name, "voice": voice, "text": text, "words_ms": words,
                                     "seconds": 1.0, "file": f"{name}.flac"}))  # fmt: skip
    (tmp_path / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_measure(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    class Queue:
        """Workers one after the other, in this process."""

        def __init__(self, workers: int) -> None: ...
        def __enter__(self) -> Queue:
            return self

        def __exit__(self, *_: object) -> None: ...
        def starmap(self, work, shares, chunksize):
            asked.extend((worker, config.count) for config, worker in shares)
            return [work(*share) for share in shares]

    class Context:
        Pool = Queue

    monkeypatch.setattr(throughput.multiprocessing, "get_context", lambda _: Context)
    found = measure(ThroughputConfig((folder,), TOKENIZER, 2, workers=2,
                                     mixture={"questions": 1.0}))  # fmt: skip
    assert asked == [(0, 2), (1, 2)]
    assert set(found["share_by_part"]) == set(PARTS.values())
    assert sum(found["share_by_part"].values()) == pytest.approx(1.0, abs=0.01)
    for part in ("compose", "decode clips", "features", "mel targets", "pack", "text"):
        assert found["share_by_part"][part] > 0, part
    assert found["hours_an_hour"]["workers"] == 2
    assert found["hours_an_hour"]["on_the_wall"] > 0
    assert Text.load(TOKENIZER).vocab_size > 100
    assert "hours an hour" in cli_text(found)


def cli_text(found: dict) -> str:
    from microturn.cli_data import describe_throughput

    return describe_throughput(found)


def test_arithmetic():
    assert hours_an_hour(10, 32.0) == 10.0
    assert np.isfinite(hours_an_hour(1, 0.0))


def test_bad_input(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="count must be at least 1"):
        measure(ThroughputConfig((folder,), TOKENIZER, 0))
    assert cli.main(["data", "bench", "--bank", str(folder), "--roughness", "2"]) == 2
    assert "roughness must be 0 to 1" in capsys.readouterr().err
    (folder / "manifest.jsonl").write_text("")
    with pytest.raises(ValueError, match="no user clips"):
        measure(ThroughputConfig((folder,), TOKENIZER, 1))
