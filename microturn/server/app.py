"""The web application: routes and who may use them."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from microturn.server.admission import Admission
from microturn.server.conversation import Hall, converse
from microturn.server.engine_thread import Engine, EngineThread
from microturn.server.live_session import ConversationConfig
from microturn.server.metrics import CONTENT_TYPE
from microturn.server.summaries import Summaries
from microturn.server.ticker import Ticker

STATIC = Path(__file__).parent / "static"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
EXTENSIONS = ("resume",)  # asked for by `?extensions=`; clients of the original send none
STUCK_S = 10.0  # one call of the engine that takes longer is not going to end well
KEY_PROTOCOL = "openai-insecure-api-key."  # browsers cannot set headers on a WebSocket
SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; "
        "connect-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "permissions-policy": "microphone=(self), camera=(), display-capture=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}


@dataclass(frozen=True)
class ServerConfig:
    """allowed_hosts: values of the Host header taken without a key (against DNS rebinding).
    allowed_origins: origins besides the server's own that may open sessions from a browser."""

    model_name: str = "microturn"
    version: str = "0.1.0"
    api_key: str | None = None
    allowed_hosts: tuple[str, ...] = LOOPBACK
    allowed_origins: tuple[str, ...] = ()
    max_sessions: int = 4
    conversation: ConversationConfig = field(default_factory=ConversationConfig)

    def __post_init__(self) -> None:
        if self.api_key is not None and not self.api_key.strip():
            raise ValueError("the api key is empty; give one or leave it out")


def create_app(
    engine: Engine,
    config: ServerConfig | None = None,
    admission: Admission | None = None,
    summaries: Summaries | None = None,
) -> Starlette:
    """The application over one engine. `app.state`: engine_thread, draining (an event that ends
    sessions)."""
    config = config or ServerConfig()
    engine_thread = EngineThread(engine, config.max_sessions, admission)
    draining = asyncio.Event()
    ticker = Ticker(engine_thread, config.conversation.tick_ms, summaries=summaries)
    hall = Hall(engine_thread, ticker, config.conversation, draining)

    async def live_sessions(socket: WebSocket) -> None:
        refusal = refuse(socket.headers, config)
        extensions = list(filter(None, socket.query_params.get("extensions", "").split(",")))
        unknown = [name for name in extensions if name not in EXTENSIONS]
        if refusal is None and unknown:
            known = ", ".join(EXTENSIONS)
            text = f"Unknown extension '{unknown[0][:80]}'; this server knows: {known}."
            refusal = error_response(400, "unknown_extension", text)
        if refusal is not None:
            await socket.send_denial_response(refusal)
            return
        offered = socket.scope.get("subprotocols", [])
        chosen = next((name for name in offered if not name.startswith(KEY_PROTOCOL)), None)
        await socket.accept(subprotocol=chosen)
        await converse(socket, hall, is_resumable="resume" in extensions)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        yield
        draining.set()
        engine_thread.shutdown()

    routes: list[Route | WebSocketRoute | Mount] = [
        WebSocketRoute("/v1/live/sessions", live_sessions),
        *plain_routes(engine_thread, config, draining),
    ]
    if STATIC.is_dir():
        routes.append(Mount("/", StaticFiles(directory=STATIC, html=True)))
    app = Starlette(routes=routes, lifespan=lifespan)
    app.add_middleware(SecurityHeaders)
    app.state.engine_thread, app.state.draining = engine_thread, draining
    return app


def plain_routes(
    engine_thread: EngineThread, config: ServerConfig, draining: asyncio.Event
) -> list[Route]:
    """What is answered at once: health, numbers, names."""

    async def healthz(request: Request) -> JSONResponse:
        status = "draining" if draining.is_set() else "ok"
        is_stuck = engine_thread.busy_s() > STUCK_S
        sessions = {"open": engine_thread.num_sessions, "max": engine_thread.max_sessions}
        body = {"status": "stuck" if is_stuck else status, "sessions": sessions}
        return JSONResponse(body, 503 if is_stuck else 200)

    async def metrics(request: Request) -> Response:
        refusal = refuse(request.headers, config)
        if refusal is not None:
            return refusal
        text = engine_thread.metrics.text(engine_thread.num_sessions, engine_thread.max_sessions)
        return Response(text, media_type=CONTENT_TYPE)

    async def models(request: Request) -> JSONResponse:
        refusal = refuse(request.headers, config)
        if refusal is not None:
            return refusal
        model = {"id": config.model_name, "object": "model", "created": 0, "owned_by": "microturn"}
        return JSONResponse({"object": "list", "data": [model]})

    async def version(request: Request) -> JSONResponse:
        needs_key = config.api_key is not None
        return JSONResponse(
            {"name": "microturn", "version": config.version, "needs_key": needs_key}
        )

    return [
        Route("/healthz", healthz),
        Route("/metrics", metrics),
        Route("/v1/models", models),
        Route("/version", version),
    ]


class SecurityHeaders:
    """Puts the fixed headers on every HTTP response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(k.encode(), v.encode()) for k, v in SECURITY_HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *extra]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def refuse(headers: Headers, config: ServerConfig) -> JSONResponse | None:
    """Why this request may not go on, or None. Checked before anything of it is read."""
    host = headers.get("host", "")
    if config.api_key is None and split_host(host) not in config.allowed_hosts:
        return error_response(
            403, "forbidden_host", f"This server does not answer for host '{host}'."
        )
    origin = headers.get("origin")
    if origin is not None and not is_own(origin, host) and origin not in config.allowed_origins:
        text = f"Origin '{origin}' may not use this server; start it with that origin allowed."
        return error_response(403, "forbidden_origin", text)
    if config.api_key is not None:
        given = presented_key(headers)
        if given is None or not hmac.compare_digest(given.encode(), config.api_key.encode()):
            text = "Wrong or missing API key; send 'Authorization: Bearer KEY'."
            return error_response(401, "invalid_api_key", text)
    return None


def error_response(status: int, code: str, message: str) -> JSONResponse:
    error = {"type": "invalid_request_error", "code": code, "message": message}
    return JSONResponse({"error": error}, status_code=status)


def split_host(host: str) -> str:
    """The name in a Host header, without the port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_own(origin: str, host: str) -> bool:
    """True if a page that this server itself served asks."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc == host


def presented_key(headers: Headers) -> str | None:
    """A key as Bearer, as the password of Basic, or as a subprotocol of a browser's WebSocket."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return None
    for name in headers.get("sec-websocket-protocol", "").split(","):
        if name.strip().startswith(KEY_PROTOCOL):
            return name.strip().removeprefix(KEY_PROTOCOL)
    return None
