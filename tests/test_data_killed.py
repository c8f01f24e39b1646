"""A build that is killed in the middle of a clip loses nothing that was finished."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from microturn.data.bank import Bank
from microturn.data.build import BuildConfig, build_bank
from microturn.data.stats import bank_stats
from tests.tones import ToneSpeaker

KILLED = """
import os, signal, sys
from pathlib import Path
from microturn.data.build import BuildConfig, build_bank
from tests.tones import ToneSpeaker

class Dying(ToneSpeaker):
    spoken = 0
    def speak(self, text, voice, speed):
        Dying.spoken += 1
        if Dying.spoken == 6:
            out = Path(sys.argv[1])
            (out / "clips" / "half.flac.part").write_bytes(b"fLaC half a clip")
            with (out / "manifest.jsonl").open("a") as lines:
                lines.write('{"key": "half a li')
            os.kill(os.getpid(), signal.SIGKILL)
        return super().speak(text, voice, speed)

build_bank(BuildConfig(Path(sys.argv[1]), limit=12), [Dying()])
"""


def test_what_was_finished_stays(tmp_path: Path) -> None:
    root = Path(__file__).parent.parent
    env = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=env, cwd=root,
                         capture_output=True, text=True)  # fmt: skip
    assert run.returncode == -signal.SIGKILL, run.stderr
    manifest = tmp_path / "manifest.jsonl"
    finished = manifest.read_text().splitlines()[:-1]
    assert len(finished) == 5
    bank = Bank.load([tmp_path])  # a torn line does not stop those who read meanwhile
    clips = [c for side in (bank.own, bank.user) for found in side.values() for c in found]
    assert sorted(c.key for c in clips) == sorted(json.loads(line)["key"] for line in finished)
    before = {path: path.read_bytes() for path in (tmp_path / "clips").glob("*.flac")}

    again = build_bank(BuildConfig(tmp_path, limit=12), [ToneSpeaker()])
    assert (again["made"], again["count"]) == (7, 12)
    assert manifest.read_text().splitlines()[:5] == finished
    assert all(path.read_bytes() == sound for path, sound in before.items())
    assert bank_stats([tmp_path])["clips"] == 12
