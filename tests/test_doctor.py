"""`microturn doctor`: it reports what is missing and never fails over it."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest

from microturn import doctor
from microturn.cli import main

REQUIRES = [
    "numpy>=2.0",
    "tokenizers<0.1",
    'nowhere-to-be-found>=1; extra == "talk"',
    'numpy; extra == "all"',
]


@pytest.fixture(autouse=True)
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: REQUIRES)


def examine(model: object, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    code = main(["doctor", "--model", str(model), *options])
    return code, capsys.readouterr().out


def test_packages_are_compared_with_what_is_declared() -> None:
    found = doctor.packages()
    assert set(found) == {"numpy", "tokenizers", "nowhere-to-be-found"}
    assert found["numpy"]["ok"] and found["numpy"]["extra"] is None
    assert not found["tokenizers"]["ok"] and found["tokenizers"]["installed"]
    assert found["nowhere-to-be-found"] == {
        "installed": None, "wanted": ">=1", "extra": "talk", "ok": False
    }  # fmt: skip


def test_a_checkout_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", fail)
    assert not doctor.packages()["microturn"]["ok"]


def test_a_model_is_loaded_counted_and_timed(
    model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = examine(model_folder, capsys, "--json")
    report = json.loads(out)
    assert code == 1 and report["ok"] is False  # tokenizers is "too new"
    model = report["model"]
    assert model["num_parameters"] > 0 and model["files_mb"] > 0
    assert model["silent_ms"]["median"] <= model["silent_ms"]["p95"]
    assert model["numerics"]["holds"] and "the same bits alone" in model["numerics"]["found"]
    assert report["system_packages"].keys() == {"chromium", "espeak-ng", "flite"}
    text = doctor.describe(report)
    assert "tokenizers: has" in text and "NEEDED" in text and "only for [talk]" in text
    assert (
        "micro-turn: median" in text
        and "\nnumerics the same bits" in text
        and text.endswith("NOT ready")
    )


def test_a_missing_model_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = examine("nowhere", capsys)
    assert code == 1 and "no model 'nowhere'" in out and "Traceback" not in out


def test_ready(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: ["numpy>=2.0"])
    quick = {
        "silent": {"median_ms": 1.0, "p95_ms": 2.0},
        "speaking": {"median_ms": 3.0, "p95_ms": 4.0},
    }
    monkeypatch.setattr(doctor, "bench_tick", lambda *args: quick | {"holds_200_ms": True})
    code, out = examine(model_folder, capsys)
    assert code == 0 and out.endswith("ready\n") and "NOT" not in out
    monkeypatch.setattr(doctor, "bench_tick", lambda *args: quick | {"holds_200_ms": False})
    code, out = examine(model_folder, capsys)
    assert code == 1 and "too slow" in out
