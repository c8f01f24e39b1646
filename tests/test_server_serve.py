"""The server as a process: it says where it listens, and a signal ends it after a goodbye."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PROGRAM = """
from fixtures.server import EchoEngine
from microturn.server.serve import serve
serve(EchoEngine(), port=0)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(number: signal.Signals) -> None:
    tests = Path(__file__).parent
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        env={"PYTHONPATH": f"{tests}:{tests.parent}", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        url = next(word for word in line.split() if word.startswith("http://"))
        with connect(url.replace("http", "ws") + "v1/live/sessions") as socket:
            socket.send(json.dumps({"type": "session.start", "session": {"model": "m"}}))
            assert json.loads(socket.recv(timeout=5))["type"] == "session.started"
            process.send_signal(number)
            kinds = []
            with pytest.raises(ConnectionClosed) as caught:
                while True:
                    kinds.append(json.loads(socket.recv(timeout=5))["type"])
            assert kinds[-2:] == ["info", "session.closed"]
            assert caught.value.rcvd is not None and caught.value.rcvd.code == 1012
        assert process.wait(timeout=10) in (0, -number)
        assert process.stderr.read() == ""
