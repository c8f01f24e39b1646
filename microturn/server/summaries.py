"""Older text of every session, summed up before it is out of sight: the server's use of
`engine/rolling.py`.

Whoever writes summaries may be slow or fail: it runs in a thread of its own, a session goes on
without it, and what comes back goes in with the next micro-turn as a silent update.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Hashable
from dataclasses import dataclass, replace

from microturn.engine.rolling import RollingText, Summarise
from microturn.model.config import ModelConfig
from microturn.signal.text import Text
from microturn.turns import BackgroundUpdate, MicroTurnInput, MicroTurnOutput

logger = logging.getLogger(__name__)
NUM_TEXT = 128  # positions, of a model that has no budget of its own
SUMMARY_SHARE = 4  # a summary takes at most this part of them


@dataclass
class Memory:
    """Of one session: its text, the summary that is being written, and the one that is ready."""

    rolling: RollingText
    writing: asyncio.Task[None] | None = None
    ready: BackgroundUpdate | None = None


class Summaries:
    """What the sessions of a clock have said and heard. num_text: positions that layers remember;
    one summary at a time of each session. Runs on the event loop."""

    def __init__(self, text: Text, summarise: Summarise, num_text: int = NUM_TEXT) -> None:
        self.text, self.summarise = text, summarise
        self.fresh = RollingText(num_text)
        self.num_written = self.num_failed = 0
        self._memories: dict[Hashable, Memory] = {}

    def before(self, member: Hashable, turn: MicroTurnInput) -> MicroTurnInput:
        """The micro-turn with the summary that is ready."""
        memory = self._memories.get(member)
        if memory is None or memory.ready is None:
            return turn
        update, memory.ready = memory.ready, None
        return replace(turn, updates=(*turn.updates, update))

    def after(self, member: Hashable, turn: MicroTurnInput, output: MicroTurnOutput) -> None:
        """Count what the micro-turn added; where a summary is due, have it written."""
        memory = self._memories.setdefault(member, Memory(self.fresh))
        memory.rolling = memory.rolling.after(turn, output, self.text)
        if memory.writing is not None:
            return
        memory.rolling, old = memory.rolling.due()
        if old is not None:
            work = self._write(memory, old, output.index)
            memory.writing = asyncio.create_task(work, name=f"summary {output.index}")

    def forget(self, member: Hashable) -> None:
        """The session is over."""
        memory = self._memories.pop(member, None)
        if memory is not None and memory.writing is not None:
            memory.writing.cancel()

    async def _write(self, memory: Memory, old: str, index: int) -> None:
        try:
            summary = await asyncio.to_thread(self.summarise, old)
        except Exception:
            logger.exception("a summary failed; the text rolls out without one")
            self.num_failed += 1
            summary = None
        memory.writing = None
        if summary:
            self.num_written += 1
            summary = self._cut(summary)
            memory.ready = BackgroundUpdate(f"summary-{index}", summary, mode="silent")

    def _cut(self, summary: str) -> str:
        """As long as it may be: it is read in one micro-turn, and the talk needs room too."""
        ids, most = self.text.encode(summary), max(1, self.fresh.num_text // SUMMARY_SHARE)
        return summary if len(ids) <= most else self.text.decode(ids[:most])


def summaries_of(named: str, config: ModelConfig, text: Text) -> Summaries:
    """Of a function of the user's own, `package.module:function`, for the model's budget of text.

    Raises ValueError where there is no such function.
    """
    module, _, name = named.partition(":")
    try:
        summarise: Summarise = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"cannot sum up with {named}: want package.module:function ({error})"
        ) from error
    retention = config.backbone.attention.retention
    return Summaries(text, summarise, NUM_TEXT if retention is None else retention.num_text)
