"""Run the application until a signal: bind first, so that what can go wrong is said in one line."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import webbrowser
from collections.abc import Callable
from dataclasses import replace

import uvicorn
from starlette.applications import Starlette

from microturn.server.admission import Admission
from microturn.server.app import LOOPBACK, ServerConfig, create_app
from microturn.server.engine_thread import Engine
from microturn.server.summaries import Summaries

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
DRAIN_S = 5.0


class CannotServe(RuntimeError):
    """The server cannot start; the message is one line and says what to do."""


def serve(
    engine: Engine,
    host: str = "127.0.0.1",
    port: int = 8765,
    open_browser: bool = False,
    api_key: str | None = None,
    config: ServerConfig | None = None,
    warm_up: Callable[[], Admission] | None = None,
    summaries: Summaries | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then drain. `api_key` goes before that of `config`.
    `warm_up`: measures ticks before the first client comes (it waits). `summaries`: sums up older
    text of the sessions.

    Raises CannotServe with one line that says what to do.
    """
    config = config or ServerConfig()
    if api_key is not None:
        config = replace(config, api_key=api_key)
    check_exposure(host, config)
    if host not in config.allowed_hosts:
        config = replace(config, allowed_hosts=(*config.allowed_hosts, host))
    listener = bind(host, port)
    admission = None if warm_up is None else warm_up()
    url = page_url(host, listener.getsockname()[1])
    print(f"microturn listens at {url} (Ctrl+C ends it)", flush=True)
    if open_browser:
        webbrowser.open(url)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again after it has drained
        DrainingServer(create_app(engine, config, admission, summaries)).run(sockets=[listener])


def check_exposure(host: str, config: ServerConfig) -> None:
    """Anyone who reaches the port can talk to the model; beyond this machine that needs a key."""
    if host not in LOOPBACK and config.api_key is None:
        raise CannotServe(
            f"host {host} is reachable from other machines; "
            "set an api key (--api-key) or use 127.0.0.1"
        )


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises CannotServe."""
    if not 0 <= port <= 65535:
        raise CannotServe(f"port must be 0 to 65535, got {port}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise CannotServe(
                f"port {port} is in use; stop the other program or choose another "
                f"with --port {port + 1}"
            ) from None
        if error.errno == errno.EACCES:
            raise CannotServe(f"port {port} needs more rights; choose one above 1023") from None
        reason = error.strerror or str(error)
        raise CannotServe(f"cannot listen at {host} port {port}: {reason}") from None
    return listener


def page_url(host: str, port: int) -> str:
    """Where a browser on this machine finds the page; the microphone needs localhost or HTTPS."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"


class DrainingServer(uvicorn.Server):
    """On a signal, sessions say goodbye before the sockets close."""

    def __init__(self, app: Starlette, log_level: str = "warning") -> None:
        self.app = app
        super().__init__(
            uvicorn.Config(
                app,
                log_level=log_level,
                ws="websockets-sansio",
                ws_max_size=MAX_MESSAGE_BYTES,
                # Base64 audio does not shrink, and compression bombs are a risk.
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=int(DRAIN_S),
                server_header=False,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Raise `draining`; conversations end at their next micro-turn."""
        self.app.state.draining.set()
        deadline_s = asyncio.get_running_loop().time() + DRAIN_S
        while self.app.state.engine_thread.num_sessions:
            if asyncio.get_running_loop().time() > deadline_s:
                break
            await asyncio.sleep(0.05)
        await super().shutdown(sockets)
