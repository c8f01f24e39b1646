"""The built page in a real browser: a microphone from a file, the server, sound that comes back."""

from __future__ import annotations

import os
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures.server import Running, energy, running, tone_bytes

from microturn.server.playback import Playback

CHROMIUM = Path("/usr/bin/chromium")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
NO_CHROMIUM = f"no Chromium at {CHROMIUM}; install it"
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=NO_CHROMIUM)  # a system package
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
ALLOW_MICROPHONE = "--use-fake-ui-for-media-stream"
SHOTS = os.environ.get("MICROTURN_SCREENSHOTS")  # a folder, to look at the page
STATS = "document.querySelector('microturn-app').stats"


@pytest.fixture
def server() -> Iterator[Running]:
    with running(tick_ms=200.0) as server:
        yield server


def microphone_file(path: Path) -> Path:
    """One second of tone, then silence for longer than the test runs."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(tone_bytes(1_000, 48_000) + bytes(2 * 48_000 * 30))
    return path


def open_page(driver: Any, server: Running, flags: list[str]) -> tuple[Any, list[str]]:
    """The page and the list of what its console complains about."""
    browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS, *flags])
    page = browser.new_page(viewport={"width": 1100, "height": 860})
    complaints: list[str] = []
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(server.http)
    return page, complaints


def wait_for_stats(page: Any, is_enough: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Ask again until it is enough. The page's CSP forbids the eval that Playwright would wait
    with."""
    for _ in range(150):
        stats = page.evaluate(STATS)
        if is_enough(stats):
            return stats
        page.wait_for_timeout(100)
    raise AssertionError(f"the page never got there: {stats}")


def test_sound_goes_in_and_comes_back(server: Running, tmp_path: Path) -> None:
    clip = microphone_file(tmp_path / "microphone.wav")
    flags = [ALLOW_MICROPHONE, f"--use-file-for-fake-audio-capture={clip}"]
    with playwright.sync_playwright() as driver:
        page, complaints = open_page(driver, server, flags)
        page.get_by_role("button", name="Start talking").click()
        stats = wait_for_stats(page, lambda stats: stats["report"]["energy"] and stats["said"])
        page.get_by_text("I hear you").first.wait_for()
        page.get_by_label("Eagerness").fill("4")
        wait_for_stats(page, lambda _: len(server.engine.eagerness["s0"]) > 1)
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/live.png")
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("button", name="Start talking").wait_for()
        assert complaints == []
        page.context.browser.close()
    assert stats["phase"] == "live"
    assert stats["report"]["playedMs"] > 0
    assert "sound" in stats["heard"]
    assert "I hear you" in stats["said"]
    assert max(energy(turn.audio) for turn in server.engine.inputs["s0"]) > 0.01
    assert server.engine.closed == ["s0"]
    assert [value for _, value in server.engine.eagerness["s0"]] == [0.0, 1.5]


def test_a_lost_connection_is_found_again(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same session goes on, and what the loudspeaker played is told before and after."""
    acks: list[tuple[Playback, float]] = []
    acknowledge = Playback.acknowledge

    def spy(playback: Playback, played_ms: float, dropped_ms: float) -> None:
        acks.append((playback, played_ms))
        acknowledge(playback, played_ms, dropped_ms)

    monkeypatch.setattr(Playback, "acknowledge", spy)
    clip = microphone_file(tmp_path / "microphone.wav")
    flags = [ALLOW_MICROPHONE, f"--use-file-for-fake-audio-capture={clip}"]
    with playwright.sync_playwright() as driver:
        page, _ = open_page(driver, server, flags)
        page.get_by_role("button", name="Start talking").click()
        wait_for_stats(page, lambda stats: stats["report"]["playedMs"] > 300)
        for connection in list(server.server.server_state.connections):
            transport = connection.transport
            transport.get_extra_info("socket").shutdown(2)
        page.get_by_text("The connection is lost").wait_for()
        page.get_by_text("The connection is lost").wait_for(state="detached")
        page.get_by_label("Type to the model").fill("still there")
        page.get_by_role("button", name="Send").click()
        page.get_by_text("still there").first.wait_for()
        wait_for_stats(page, lambda _: len({id(playback) for playback, _ in acks}) == 2)
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("button", name="Start talking").wait_for()
        page.context.browser.close()
    assert server.engine.closed == ["s0"]
    first, second = acks[0][0], acks[-1][0]
    assert max(played_ms for playback, played_ms in acks if playback is first) > 300
    assert 0 < acks[-1][1] <= second.sent_ms, "positions count from the new socket on"


def test_mute_and_text(server: Running, tmp_path: Path) -> None:
    clip = microphone_file(tmp_path / "microphone.wav")
    flags = [ALLOW_MICROPHONE, f"--use-file-for-fake-audio-capture={clip}"]
    with playwright.sync_playwright() as driver:
        page, complaints = open_page(driver, server, flags)
        page.get_by_role("button", name="Start talking").click()
        page.get_by_text("Connected").wait_for()
        page.keyboard.press("m")
        page.get_by_text("microphone muted").wait_for()
        sent_before = page.evaluate(STATS)["numSentBlocks"]
        page.wait_for_timeout(300)
        assert page.evaluate(STATS)["numSentBlocks"] == sent_before
        page.get_by_label("Type to the model").fill("the word m does not unmute")
        page.get_by_role("button", name="Send").click()
        page.get_by_text("the word m does not unmute").first.wait_for()
        assert page.evaluate(STATS)["isMuted"]
        assert complaints == []
        page.context.browser.close()


def test_a_key_is_asked_for(tmp_path: Path) -> None:
    clip = microphone_file(tmp_path / "microphone.wav")
    flags = [ALLOW_MICROPHONE, f"--use-file-for-fake-audio-capture={clip}"]
    with running(tick_ms=200.0, api_key="sesame") as server, playwright.sync_playwright() as driver:
        page, _ = open_page(driver, server, flags)
        start = page.get_by_role("button", name="Start talking")
        page.get_by_label("API key").fill("wrong")
        page.get_by_role("button", name="Use key").click()
        start.click()
        page.get_by_role("alert").wait_for()
        page.goto(f"{server.http}/#key=sesame")
        page.reload()
        start.click()
        page.get_by_text("Connected").wait_for()
        page.context.browser.close()


def test_a_denied_microphone_is_explained(server: Running) -> None:
    with playwright.sync_playwright() as driver:
        page, _ = open_page(driver, server, ["--deny-permission-prompts"])
        page.get_by_role("button", name="Start talking").click()
        alert = page.get_by_role("alert")
        alert.wait_for()
        assert "microphone is blocked" in alert.inner_text()
        assert page.evaluate(STATS)["phase"] == "idle"
        page.context.browser.close()
    assert server.engine.inputs == {}
