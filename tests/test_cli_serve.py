"""`microturn serve` as a process with a real engine: where it is, that it talks, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from websockets.sync.client import connect

ROOT = Path(__file__).parent.parent


@contextmanager
def serving(model: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and the URL that it printed."""
    command = [sys.executable, "-W", "error", "-m", "microturn", "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--model", str(model), *options],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None and process.stderr is not None
            line = process.stdout.readline()
            urls = [word for word in line.split() if word.startswith("http://127.0.0.1:")]
            assert urls, process.stderr.read()
            yield process, urls[0]
        finally:
            process.kill()


def test_serve_from_start_to_end(model_folder: Path) -> None:
    with serving(model_folder, "--eagerness", "50") as (process, url):
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert b"<microturn-app" in answer.read()
        with connect(url.replace("http", "ws") + "v1/live/sessions") as socket:
            socket.send(json.dumps({"type": "session.start", "session": {"model": "m"}}))
            kinds = []
            while "session.output_audio.delta" not in kinds:
                kinds.append(json.loads(socket.recv(timeout=20))["type"])
            assert kinds[0] == "session.started"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        (line,) = process.stderr.read().splitlines()
        assert line.startswith("numerics: the same bits")


def test_serve_from_several_processes(model_folder: Path) -> None:
    with serving(model_folder, "--processes", "2", "--sessions", "4") as (process, url):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        ids = [int(word) for word in children.read_text().split()] if children.exists() else []
        with (
            connect(url.replace("http", "ws") + "v1/live/sessions") as one,
            connect(url.replace("http", "ws") + "v1/live/sessions") as other,
        ):
            for socket in (one, other):
                socket.send(json.dumps({"type": "session.start", "session": {"model": "m"}}))
                assert json.loads(socket.recv(timeout=20))["type"] == "session.started"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        (line,) = process.stderr.read().splitlines()
        assert line.startswith("numerics: the same bits")
        for _ in range(100):
            if not any(map(is_running, ids)):
                return
            time.sleep(0.1)
        raise AssertionError("engine processes outlive the server")


def is_running(pid: int) -> bool:
    """As Linux tells it; a process that nobody has taken leave of yet does not run."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_processes_are_for_a_cpu(model_folder: Path) -> None:
    command = [sys.executable, "-m", "microturn", "serve", "--model", str(model_folder)]
    for options, why in (
        (["--processes", "2", "--device", "cuda"], "for the cores of a CPU"),
        (["--processes", "-1"], "must not be negative"),
    ):
        done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 2 and why in done.stderr
