"""Routes, headers, and who is let in."""

from __future__ import annotations

import base64
import json
import socket
import urllib.error
import urllib.request
from typing import Any

import pytest
from fixtures.server import Running, client, running
from websockets.exceptions import InvalidStatus

from microturn.server.app import STATIC, ServerConfig
from microturn.server.serve import CannotServe, bind, check_exposure, page_url, serve

KEY = "correct-horse"


def get(server: Running, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(server.http + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def refused(server: Running, **options: Any) -> tuple[int, str]:
    """Status and error code of a refused WebSocket."""
    with pytest.raises(InvalidStatus) as caught, client(server, **options):
        pass
    response = caught.value.response
    return response.status_code, json.loads(response.body)["error"]["code"]


def test_routes() -> None:
    with (
        running(model_name="nano", version="9.9", max_sessions=3) as server,
        client(server) as talk,
    ):
        talk.start()
        health = json.loads(get(server, "/healthz")[2])
        assert health == {"status": "ok", "sessions": {"open": 1, "max": 3}}
        assert json.loads(get(server, "/v1/models")[2])["data"][0]["id"] == "nano"
        version = json.loads(get(server, "/version")[2])
        assert version == {"name": "microturn", "version": "9.9", "needs_key": False}
        assert get(server, "/nothing")[0] == 404


def test_the_page_is_served_with_its_policy() -> None:
    assert (STATIC / "index.html").is_file()
    with running() as server:
        status, headers, body = get(server, "/")
        assert status == 200 and b"<microturn-app>" in body
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http:" not in policy and "https:" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert get(server, "/../app.py")[0] == 404


def test_the_built_page_names_no_other_host() -> None:
    """Nothing is loaded from elsewhere; the namespaces of SVG and XHTML are only names."""
    for path in STATIC.rglob("*"):
        if path.suffix in (".js", ".css", ".html"):
            text = (
                path.read_text().replace("http://www.w3.org/", "").replace("http://127.0.0.1", "")
            )
            assert "http://" not in text, path
            assert "https://" not in text, path


def test_origins() -> None:
    with running(allowed_origins=("https://app.example",)) as server:
        for origin in (server.http, "https://app.example"):
            with client(server, origin=origin) as talk:
                talk.start()
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
            assert refused(server, origin=origin) == (403, "forbidden_origin")
        assert server.engine.inputs.keys() == {"s0", "s1"}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[", ""])
def test_a_foreign_host_is_refused(host: str) -> None:
    with running() as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
            lines = [
                "GET /v1/live/sessions HTTP/1.1",
                f"Host: {host}",
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Version: 13",
                "\r\n",
            ]
            raw.sendall("\r\n".join(lines).encode())
            answer = raw.recv(4_096).decode()
        assert " 403 " in answer.splitlines()[0]
        assert get(server, "/v1/models", Host="evil.example")[0] == 403


def test_a_key_is_asked_for_and_taken_in_three_ways() -> None:
    basic = base64.b64encode(f":{KEY}".encode()).decode()
    with running(api_key=KEY) as server:
        assert refused(server) == (401, "invalid_api_key")
        for wrong in ("Bearer wrong", "Bearer", "Basic ###", "Basic Og==", "Bearer schlüssel"):
            headers = {"Authorization": wrong.encode().decode("latin-1")}
            assert refused(server, additional_headers=headers) == (401, "invalid_api_key")
        for right in (f"Bearer {KEY}", f"bearer {KEY}", f"Basic {basic}"):
            with client(server, additional_headers={"Authorization": right}) as talk:
                talk.start()
        protocols = ["live", f"openai-insecure-api-key.{KEY}"]
        with client(server, subprotocols=protocols) as talk:
            assert talk.socket.subprotocol == "live"
            talk.start()
        assert get(server, "/v1/models")[0] == 401
        assert get(server, "/v1/models", Authorization=f"Bearer {KEY}")[0] == 200
        assert get(server, "/healthz")[0] == 200
        assert json.loads(get(server, "/version")[2])["needs_key"] is True


def test_compression_is_declined() -> None:
    from websockets.sync.client import connect

    with running() as server, connect(server.ws, compression="deflate") as link:
        assert link.protocol.extensions == []


def test_an_open_host_needs_a_key() -> None:
    with pytest.raises(CannotServe, match="set an api key"):
        check_exposure("0.0.0.0", ServerConfig())
    check_exposure("0.0.0.0", ServerConfig(api_key=KEY))
    check_exposure("127.0.0.1", ServerConfig())
    with pytest.raises(ValueError, match="api key is empty"):
        ServerConfig(api_key=" ")


def test_a_busy_port_is_one_clear_line() -> None:
    taken = bind("127.0.0.1", 0)
    port = taken.getsockname()[1]
    with taken, pytest.raises(CannotServe) as caught:
        serve(engine=None, port=port)  # type: ignore[arg-type]
    message = str(caught.value)
    assert f"port {port} is in use" in message
    assert f"--port {port + 1}" in message
    assert "\n" not in message


def test_addresses_that_cannot_be_bound() -> None:
    with pytest.raises(CannotServe, match="port must be 0 to 65535, got 70000"):
        bind("127.0.0.1", 70_000)
    with pytest.raises(CannotServe, match="cannot listen at"):
        bind("192.0.2.1", 0)


def test_the_shown_address_opens_in_a_browser() -> None:
    assert page_url("127.0.0.1", 80) == "http://127.0.0.1:80/"
    assert page_url("0.0.0.0", 8765) == "http://127.0.0.1:8765/"
    assert page_url("::1", 8765) == "http://[::1]:8765/"
