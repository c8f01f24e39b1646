"""The vectors of the metrics hold, and each of them notices when the line that matters changes.

A mutant is a copy of a module's source with one piece replaced; the vector must fail on it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import metric_vectors as vectors

Vector = Callable[[SimpleNamespace], None]
CASES: tuple[tuple[str, Vector, tuple[tuple[str, str], ...]], ...] = (
    (
        "utterances",
        vectors.onset,
        (
            ("first + int(part[0])) * 1000", "first) * 1000"),
            ("MERGE_GAP_MS = 500", "MERGE_GAP_MS = 499"),
            ("merged[-1][1] <= gap_ms", "merged[-1][1] < gap_ms"),
        ),
    ),
    (
        "timeline",
        vectors.clocks,
        (
            ('system.clock == "lockstep"', 'system.clock != "lockstep"'),
            ("done_ms) + tick.compute_ms", "done_ms)"),
            ("+ system.playback_ms, free_ms", ", free_ms"),
            ("max(math.ceil(done_ms) + system.playback_ms, free_ms)", "math.ceil(done_ms) + 20"),
        ),
    ),
    (
        "proactive",
        vectors.pauc,
        (
            ("(1 - omega) * (time - start)", "omega * (time - start)"),
            ("(moved[0] - start) * BEFORE_FIRST", "(moved[0] - start) * 0"),
            ("ends = [*moved[1:], end]", "ends = [*moved[1:], moved[-1]]"),
            ("((end - start) * max_score)", "(end - start)"),
            ("SILENCE = 0.25", "SILENCE = 0.0"),
        ),
    ),
    (
        "proactive",
        vectors.categories,
        (("return sum(spans) / len(spans)", "return sum(spans) / len(videos)"),),
    ),
    (
        "timing",
        vectors.takeover,
        (
            ("span_ms < SHORT_MS and", "span_ms < SHORT_MS or"),
            ("span_ms < SHORT_MS and", "span_ms <= SHORT_MS and"),
            ("len(words) <= FEW_WORDS else", "len(words) < FEW_WORDS else"),
            ("words[-1][2] - words[0][1]", "words[-1][1] - words[0][1]"),
        ),
    ),
    (
        "timing",
        vectors.latency,
        (
            ("return words[0][1] - marker_ms", "return words[0][2] - marker_ms"),
            ("max(0, signed_ms)", "abs(signed_ms)"),
            ("latency < 0 for", "latency <= 0 for"),
        ),
    ),
    (
        "timing",
        vectors.interruption,
        (
            ("for text, a, b in words if b > start_ms", "for text, a, b in words"),
            ("max(a, start_ms), b", "a, b"),
        ),
    ),
    (
        "timing",
        vectors.overlap,
        (
            ("max(user_start, model_start), min(", "min(user_start, model_start), min("),
            ("min(user_end, model_end)", "max(user_end, model_end)"),
            ("if start > end]", "if start >= end]"),
            ("max(end, latest.get(", "min(end, latest.get("),
            ("inside[0][1] - inside[0][0]", "inside[0][1] - event[1]"),
        ),
    ),
    (
        "timing",
        vectors.stopping,
        (
            ("latency_ms <= limit_ms and end < end_ms", "latency_ms < limit_ms and end < end_ms"),
            ("latency_ms <= limit_ms and end < end_ms", "latency_ms <= limit_ms"),
            ("start < event[0] < end", "start <= event[0] < end"),
            ("end >= end_ms and latency_ms < limit_ms", "end >= end_ms"),
        ),
    ),
    (
        "backchannel",
        vectors.backchannel,
        (
            ("if end - start > TURN_MS", "if end - start < TURN_MS"),
            ("num_words <= FEW_WORDS", "num_words < FEW_WORDS"),
            ("num_words <= FEW_WORDS", "num_words <= FEW_WORDS + 1"),
            ("len(short) / (duration_ms / 1000)", "len(segments) / (duration_ms / 1000) + 1"),
            ("else max(taken, takes)", "else min(taken, takes)"),
            ("            break\n", "            continue\n"),
        ),
    ),
    (
        "backchannel",
        vectors.divergence,
        (
            ("return float(np.sqrt(max(0.0, sum(terms) / 2)))", "return float(sum(terms) / 2)"),
            ("middle = (p + q) / 2", "middle = q"),
            ("return 1.0\n", "return 0.0\n"),
            ("np.minimum(edges + BIN_MS, end)", "np.minimum(edges, end)"),
        ),
    ),
    (
        "panel",
        vectors.panel,
        (
            ('return stop.outcome == "stopped"', 'return stop.outcome != "stopped"'),
            ("start <= event[0] + WRONG_RESPONSE_MS", "start >= event[0] + WRONG_RESPONSE_MS"),
            ("num_events >= MIN_EVENTS", "num_events >= 1"),
            ("sum(shown) / len(shown) if", "max(shown) if"),
            ("starts[0] - event[1]", "starts[0] - event[0]"),
            ("YIELD_MS)\n", "3 * YIELD_MS)\n"),
        ),
    ),
    (
        "overlap",
        vectors.tags,
        (
            ("current.t1 >= event[1]", "current.t1 < event[1]"),
            ("later.t0 - current.t1 <= NEW_TURN_MS and", ""),
            ("about_before > about_event", "about_before < about_event"),
            ("max(current.t1, event[1]) <= NEW_TURN_MS", "max(current.t1, event[1]) >= 0"),
            ('"unknown" if later is None else "respond", True', '"unknown", True'),
        ),
    ),
    (
        "overlap",
        vectors.v1_5,
        (
            ('"user_interruption": "respond"', '"user_interruption": "resume"'),
            ("return sum(parts) / len(parts)", "return max(parts)"),
        ),
    ),
    (
        "tool_calls",
        vectors.calls,
        (
            ("wanted_names == given_names and num_right", "num_right"),
            ("wanted_names & given_names", "wanted_names | given_names"),
            ('wanted.startswith("$")', 'wanted.startswith("#")'),
            (".lower().replace(", ".replace("),
            ('.replace("_", " ")', ""),
            ("<= tolerance * abs(a)", "< tolerance"),
            ("if other not in taken or find", "if True or find"),
        ),
    ),
    (
        "counting",
        vectors.counting,
        (
            ("ends[-2] if", "ends[-1] if"),
            ("onset >= after_ms", "onset > after_ms"),
            ("return late[-1] if late", "return late[0] if late"),
            ("<= tolerance)", "< tolerance)"),
            ("- count) / (count + 0.1)", "- count) / count"),
            ("onsets[0] - end", "abs(onsets[0] - end)"),
            ("prediction is not None and", "prediction is None or"),
        ),
    ),
    (
        "numbers",
        vectors.numbers,
        (
            ("value + unit, position + 1", "value, position + 1"),
            ("1 <= unit <= 9", "1 <= unit <= 19 and False"),
            ("following[1] - end <= JOIN_MS", "True"),
            ("(?:st|nd|rd|th)?", ""),
            ("tokens[position][0] in SCALES", "False"),
            ("|[.,;:!?]", ""),
        ),
    ),
    (
        "intervals",
        vectors.iou,
        (
            (
                "min(predicted[1], reference[1]) - max(",
                "max(predicted[1], reference[1]) - max(",
            ),
            (
                "max(predicted[1], reference[1]) - min(",
                "min(predicted[1], reference[1]) - min(",
            ),
            ("close_phrases, start)", "close_phrases)"),
            ("iou >= threshold", "iou > threshold"),
            ("max(0, min(", "abs(min("),
        ),
    ),
    (
        "slots",
        vectors.slots,
        (
            ("slot.window[0] <= onset <= slot.window[1]", "slot.window[0] <= onset"),
            ("slot.window[0] <= onset <= slot.window[1]", "onset <= slot.window[1]"),
            ("<= onset <= slot.window[1]", "<= onset < slot.window[1]"),
            ("(is_over or not slot.overlap_user)", "True"),
            ("and not forbidden", ""),
            ("u.t1 > start for start", "u.t1 >= start for start"),
            ("min(PERIOD_LIMIT_MS, ", "max(PERIOD_LIMIT_MS, "),
            ("return part[0][1]", "return utterance.t0"),
        ),
    ),
    (
        "text_rules",
        vectors.text,
        (
            ("diagonal + (word != other)", "diagonal + (word == other)"),
            ("min(row[j] + 1, row[j - 1] + 1, cost)", "min(row[j] + 1, cost)"),
            ("text[:REFUSAL_CHARACTERS]", "text"),
            ('f" {phrase} " in padded', "phrase in padded"),
            ('return "empty"', 'return "refused"'),
            ('found[0] if which == "first" else found[-1]', "found[0]"),
            ("2 * hits >= len(phrases)", "2 * hits > len(phrases)"),
        ),
    ),
    (
        "ifeval",
        vectors.ifeval,
        (
            ("all(result.strict)", "any(result.strict)"),
            ("any(follows(", "all(follows("),
            ("lines[1:], lines[:-1]", "lines, lines"),
            ("/ 4\n", "/ 3\n"),
            ("sum(sum(result.loose) for", "sum(all(result.loose) for"),
        ),
    ),
    (
        "bootstrap",
        vectors.rows,
        (
            ("if not score.censored]", "]"),
            ("max(0.0, latency)", "abs(latency)"),
            ("a < 0 for a", "a <= 100 for a"),
            ("if len(found) != 1:", "if len(found) < 1:"),
            ("[edge, 100 - edge]", "[0, 50]"),
            ('share(known, "no_response", num_known)', "0.0"),
            ('share(known, "kept_talking", num_known)', "0.0"),
            ("[edge, 100 - edge]", "[20, 80]"),
        ),
    ),
)
MUTANTS = [
    pytest.param(module, vector, old, new, id=f"{module}: {old.strip()} -> {new.strip()}")
    for module, vector, changes in CASES
    for old, new in changes
]


def load(module: str, old: str = "", new: str = "") -> SimpleNamespace:
    """A module of the evaluation from its source, with one piece replaced."""
    real = importlib.import_module(f"microturn.evals.{module}")
    source = Path(str(real.__file__)).read_text(encoding="utf-8")
    if old:
        assert source.count(old) >= 1, f"{module} no longer has {old!r}: mend the mutation"
        source = source.replace(old, new, 1)
    names = {"__name__": real.__name__}
    exec(compile(source, f"{module} mutant", "exec"), names)
    return SimpleNamespace(**names)


@pytest.mark.parametrize(
    ("module", "vector"),
    [(m, v) for m, v, _ in CASES],
    ids=lambda part: getattr(part, "__name__", part),
)
def test_vectors_hold(module: str, vector: Vector) -> None:
    vector(load(module))


@pytest.mark.parametrize(("module", "vector", "old", "new"), MUTANTS)
def test_a_changed_line_fails_its_vector(module: str, vector: Vector, old: str, new: str) -> None:
    mutant = load(module, old, new)
    with pytest.raises((AssertionError, ValueError, pytest.fail.Exception)):
        vector(mutant)
