"""Metrics as Prometheus reads them."""

from __future__ import annotations

import urllib.request

from fixtures.server import EchoEngine, client, running

from microturn.server.metrics import Histogram, Metrics


def read(text: str) -> dict[str, float]:
    """Samples of the text form: name with labels -> value. Refuses lines that are neither."""
    samples = {}
    for line in text.splitlines():
        if line.startswith(("# HELP ", "# TYPE ")):
            continue
        name, value = line.rsplit(" ", 1)
        assert name not in samples
        samples[name] = float(value)
    return samples


def test_a_histogram_is_cumulative() -> None:
    histogram = Histogram((0.1, 0.2))
    for value in (0.05, 0.1, 0.15, 3.0):
        histogram.observe(value)
    assert read("\n".join(histogram.lines("t"))) == {
        't_bucket{le="0.1"}': 2,
        't_bucket{le="0.2"}': 3,
        't_bucket{le="+Inf"}': 4,
        "t_sum": 3.3,
        "t_count": 4,
    }


def test_every_sample_has_a_type() -> None:
    metrics = Metrics()
    metrics.refused("slots")
    text = metrics.text(2, 4)
    typed = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    names = {name.split("{")[0] for name in read(text)}
    for ending in ("_bucket", "_sum", "_count"):
        names = {name.removesuffix(ending) for name in names}
    assert names == typed
    assert read(text)["microturn_sessions"] == 2
    assert read(text)['microturn_sessions_refused_total{reason="slots"}'] == 1


def test_a_server_counts_its_ticks() -> None:
    with running() as server, client(server) as one, client(server) as other:
        one.start()
        other.start()
        one.wait_for("session.usage.updated")
        other.wait_for("session.usage.updated")
        with urllib.request.urlopen(server.http + "/metrics", timeout=5) as answer:
            assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
            samples = read(answer.read().decode())
    assert samples["microturn_sessions"] == 2
    assert samples["microturn_sessions_opened_total"] == 2
    assert samples["microturn_tick_seconds_count"] >= 5
    assert samples["microturn_micro_turns_total"] >= 10
    assert samples["microturn_micro_turns_total"] > samples["microturn_tick_seconds_count"]


def test_a_late_engine_is_seen() -> None:
    with running(EchoEngine(step_s=0.05)) as server, client(server) as talk:
        talk.start()
        talk.wait_for("session.usage.updated")
    metrics = server.server.app.state.engine_thread.metrics
    assert metrics.num_ticks_late >= 5
    assert metrics.num_micro_turns_late == metrics.num_ticks_late
    assert metrics.num_ticks_slipped >= 3
