"""Typed requests to hand over: the query has what was asked for last, whatever it is."""

from __future__ import annotations

import random
import re

import pytest

from microturn.data import further_calls
from microturn.data.loader import plan
from microturn.data.split import SPLITS
from tests.tones import tone_bank


@pytest.mark.parametrize("kind", further_calls.WAYS)
def test_a_made_query_has_what_was_asked_for_last(kind):
    rng, queries = random.Random(3), set()
    for _ in range(60):
        made = further_calls.make(rng, kind)
        asked = made.text.lower().strip("?.")
        assert "{" not in made.text + made.query and made.query == made.query.lower()
        assert made.arguments and all(value in asked for value in made.arguments.values())
        assert all(value in made.query for value in made.arguments.values())
        if " no, " in asked or " sorry, " in asked:
            taken_back = re.split(r",? (?:no|sorry), ", asked)[0]
            assert not all(value in taken_back for value in made.arguments.values())
        queries.add(made.query)
    assert len(queries) > 20


@pytest.mark.parametrize("family", ["delegation", "tools"])
def test_a_typed_request_is_handed_over_with_its_own_arguments(family):
    num_typed = 0
    for index in range(60):
        for split in SPLITS:
            talk, _ = plan(7, index, tone_bank(), {family: 1.0}, 30_000, 0.0, split)
            typed = [t for t in talk.typed if t.role == "user"]
            assert not typed or split == "train"
            num_typed += len(typed)
            handed = [d.text for d in talk.delegated]
            for request in typed:
                values = [w for w in re.findall(r"[a-z]+", request.text.lower()) if len(w) > 3]
                assert any(set(values) & set(query.split()) for query in handed), request
    assert num_typed > 5
