"""An optional judge: any OpenAI-compatible model, with a cache on disk. Off unless one is given.

A judged score's grader is `judge:<model>`; it never shares a row with rules. Where both graded the
same things, `agreement` says how often they agree.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from microturn.evals.bootstrap import one_of
from microturn.evals.prompts import SYSTEM, render
from microturn.evals.record import Score


@dataclass(frozen=True)
class JudgeConfig:
    """Which model judges. url: of an OpenAI-compatible endpoint, None for the client's own;
    the key comes from the environment variable named `key_from`."""

    model: str
    cache: Path
    url: str | None = None
    key_from: str = "OPENAI_API_KEY"
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.model or any(mark in self.model for mark in " ;"):
            raise ValueError(f"a judge needs a model's name without spaces, got {self.model!r}")


class OpenAIJudge:
    """Asks a chat model for JSON; an answer is asked for once and then read from the cache."""

    def __init__(self, config: JudgeConfig, client: Any = None) -> None:
        self.config = config
        self.grader = f"judge:{config.model}"
        self._client = client

    def ask(self, prompt: str, **values: str) -> dict[str, Any]:
        """The judge's answer to a prompt of `prompts.py`.

        Raises ValueError for an unknown prompt, or where the answer is no JSON object; nothing is
        kept then.
        """
        content = render(prompt, **values)
        path = self.config.cache / f"{self.key(content)}.json"
        if path.is_file():
            return json.loads(path.read_text(encoding="utf-8"))["answer"]
        text = self._complete(content)
        try:
            answer = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{self.grader} gave no JSON for {prompt!r}: {text[:80]!r}") from error
        if not isinstance(answer, dict):
            raise ValueError(f"{self.grader} gave no JSON object for {prompt!r}: {text[:80]!r}")
        self.config.cache.mkdir(parents=True, exist_ok=True)
        entry = {"model": self.config.model, "prompt": prompt, "answer": answer}
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps(entry, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.replace(path)  # whole or not at all
        return answer

    def key(self, content: str) -> str:
        """Hash of all that the answer depends on."""
        facts = [self.config.url, self.config.model, self.config.seed, SYSTEM, content]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def _complete(self, content: str) -> str:
        if self._client is None:
            from openai import OpenAI

            key = os.environ.get(self.config.key_from)
            if not key:
                raise ValueError(f"the judge needs a key: set {self.config.key_from}")
            self._client = OpenAI(base_url=self.config.url, api_key=key)
        reply = self._client.chat.completions.create(
            model=self.config.model,
            messages=[
                {"role": "system", "content": SYSTEM},
                {"role": "user", "content": content},
            ],
            response_format={"type": "json_object"},
            temperature=0,
            seed=self.config.seed,
        )
        return reply.choices[0].message.content or ""


@dataclass(frozen=True)
class Agreement:
    """How often judge and rule say the same. kappa: beyond chance, None where undefined."""

    metric: str
    judge: str
    rule: str
    n: int
    share: float
    kappa: float | None


def verdict(score: Score) -> tuple[str, float | None]:
    """What was said of one thing: a reply's outcome alone does not say whether it was right."""
    return score.outcome, None if score.value is None else round(score.value, 3)


def agreement(judged: Sequence[Score], ruled: Sequence[Score]) -> Agreement:
    """Compare verdicts (outcome and value) on what both graded (same episode, `detail["on"]`).

    Raises ValueError where graders mix, or nothing was graded by both.
    """
    metric = one_of([*judged, *ruled], "metric")
    judge, rule = one_of(judged, "grader"), one_of(ruled, "grader")
    if not judge.startswith("judge:") or rule.startswith("judge:"):
        raise ValueError(f"agreement is of a judge with a rule, got {judge} and {rule}")
    theirs = {(score.episode, score.detail.get("on")): verdict(score) for score in ruled}
    pairs = [
        (verdict(score), theirs[key])
        for score in judged
        if (key := (score.episode, score.detail.get("on"))) in theirs
    ]
    if not pairs:
        raise ValueError(f"{judge} and {rule} graded nothing in common")
    num = len(pairs)
    same = sum(a == b for a, b in pairs) / num
    by_judge, by_rule = [a for a, _ in pairs], [b for _, b in pairs]
    chance = sum(by_judge.count(tag) * by_rule.count(tag) for tag in set(by_judge)) / num**2
    kappa = None if chance == 1 else (same - chance) / (1 - chance)
    return Agreement(metric, judge, rule, num, same, kappa)
