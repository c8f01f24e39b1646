"""Eagerness over a real socket: at the start, on the way, and that a model heeds it."""

from __future__ import annotations

from fixtures.server import client, running
from tiny import tiny_engine


def test_eagerness_is_set_at_the_start_and_changed_on_the_way() -> None:
    with running() as server, client(server) as talk, client(server) as other:
        other.start()
        started = talk.start(microturn={"eagerness": "calm"})
        assert started["session"]["microturn"] == {"eagerness": -0.75}
        talk.wait_for("session.usage.updated")
        talk.send("session.update", session={"microturn": {"eagerness": 2}}, event_id="e")
        updated = talk.wait_for("session.updated")
        assert updated["client_event_id"] == "e"
        assert updated["session"]["microturn"] == {"eagerness": 2.0}
        talk.send("session.update", session={"microturn": {"eagerness": "pushy"}})
        assert "reserved, calm" in talk.wait_error("invalid_value")["message"]
        talk.send("session.update", session={})  # asks, and changes nothing
        asked = talk.wait_for("session.updated")
        assert asked["session"]["microturn"] == {"eagerness": 2.0}
        talk.wait_for("session.usage.updated")
    assert server.engine.eagerness["s0"] == [(0, None)]
    (_, first), (index, second) = server.engine.eagerness["s1"]
    assert (first, second) == (-0.75, 2.0)
    assert 0 < index < len(server.engine.inputs["s1"])


def test_eagerness_moves_a_real_model_over_the_wire() -> None:
    """The same model and the same silence: it speaks when told to, and stops when told to."""
    with running(tiny_engine()) as server, client(server) as talk:
        talk.start(microturn={"eagerness": -10})
        for _ in range(2):
            talk.wait_for("session.usage.updated")
        assert "session.output_audio.delta" not in {event["type"] for event in talk.got}
        talk.send("session.update", session={"microturn": {"eagerness": 10}})
        talk.wait_for("session.updated")
        begins_ms = [talk.wait_for("session.output_audio.delta")["start_ms"] for _ in range(5)]
        assert begins_ms == list(range(begins_ms[0], begins_ms[0] + 1000, 200))
        talk.send("session.update", session={"microturn": {"eagerness": "reserved"}})
        talk.wait_for("session.updated")
