"""The command: all subcommands parse, mistakes are one line and exit code 2, results are JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from microturn import cli, cli_serve

SUBCOMMANDS = ("run", "serve", "doctor", "synth", "look", "train", "bench", "bank")


def call(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    code = cli.main([str(arg) for arg in args])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_subcommand_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([name, "--help"])
    assert caught.value.code == 0
    assert f"microturn {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "args", [["dance"], ["run", "x.wav"], ["bench", "tock"], ["doctor", "--fast"]]
)
def test_unknown_options_exit_with_2(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(args)
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ("run {tmp}/none.wav --out {tmp}/y.wav", "no sound file at"),
        ("run {tmp}/none.wav --out {tmp}/no/y.wav", "there is no folder"),
        ("run {tmp}/none.wav --out {tmp}", "it is a folder; name a file"),
        ("train nanoo --bank {tmp} --out {tmp}/run", "no preset 'nanoo'; choose one of nano"),
        ("train nano --bank {tmp} --out {tmp}/run", "no speech bank at"),
        ("train nano --bank {tmp} --out {tmp}/run --minutes 0", "minutes must be positive"),
        ("train nano --bank {tmp} --out {tmp}/run --rows 0", "rows must be positive"),
        ("train nano --bank {tmp} --out {tmp}/run --lr -1", "lr must be positive"),
        ("train nano --bank {tmp} --out {tmp}/run --mixture singing 1", "no family singing"),
        ("bench tick --model nowhere", "no model 'nowhere'"),
        ("bench tick --model mini --random-weights", "only presets of the same size"),
        ("bench tick --random-weights --micro-turns 3", "measure at least 50"),
        ("serve --model nowhere", "no model 'nowhere'"),
        ("synth --out {tmp}/s --bank {tmp} --count 0", "count must be at least 1"),
        ("synth --out {tmp}/s --bank {tmp} --families singing", "no family singing"),
        ("synth --out {tmp}/s --bank {tmp} --seconds 1", "at least 5 seconds"),
        ("synth --out {tmp}/s --bank {tmp} --roughness 2", "roughness must be 0 to 1"),
        ("synth --bank {tmp}", "--out or pictures to --gallery: give one"),
        ("look {tmp}", "it needs timeline.json"),
        ("bank build --out {tmp}/b --limit 0", "limit must be at least 1"),
    ],
)
def test_mistakes_are_one_line(
    args: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = call(capsys, *args.format(tmp=tmp_path).split())
    assert (code, out) == (2, "")
    assert err.startswith("microturn: error: ") and complaint in err
    assert err.count("\n") == 1


def test_an_open_host_needs_a_key(model_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "serve", "--host", "0.0.0.0", "--model", model_folder)
    assert code == 2 and "--api-key" in err


def test_serve_passes_its_options_on(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[tuple[Any, ...]] = []

    def record(engine: object, *options: Any) -> None:
        calls.append(options[:4])

    monkeypatch.setattr("microturn.server.serve.serve", record)
    monkeypatch.setattr(cli_serve, "has_screen", lambda: True)
    monkeypatch.setenv("MICROTURN_API_KEY", "sesame")
    code, _, _ = call(capsys, "serve", "--model", model_folder, "--port", 0, "--open")
    assert code == 0
    assert calls == [("127.0.0.1", 0, True, "sesame")]


def test_serve_says_whether_results_depend_on_the_company(
    model_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr("microturn.server.serve.serve", lambda *args: None)
    code, _, err = call(capsys, "serve", "--model", model_folder, "--exact")
    assert code == 0 and "numerics: the same bits alone, in company" in err
    request.getfixturevalue("bare_rows")
    code, _, err = call(capsys, "serve", "--model", model_folder)
    assert code == 0 and "numerics: results depend on the company: linears" in err
    code, _, err = call(capsys, "serve", "--model", model_folder, "--exact")
    assert code == 2 and err.count("\n") == 1 and "results depend on the company" in err


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [({}, False), ({"DISPLAY": ":0"}, True), ({"WAYLAND_DISPLAY": "w"}, True)],
)
def test_a_browser_is_opened_only_where_there_is_a_screen(
    variables: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cli_serve.has_screen() is wanted


def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: cli.Doctor) -> int:
        raise ModuleNotFoundError("No module named 'tensorboard'", name="tensorboard.compat")

    monkeypatch.setattr(cli.Doctor, "execute", fail)
    code, _, err = call(capsys, "doctor")
    assert code == 2 and "pip install 'microturn[train]'" in err


def test_interrupting_is_quiet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(self: cli.Doctor) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.Doctor, "execute", interrupt)
    assert call(capsys, "doctor") == (130, "", "microturn: interrupted\n")


def test_help_loads_no_torch() -> None:
    program = "import sys, microturn.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_bench_prints_json(model_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--model", model_folder, "--micro-turns", 60)
    code, out, _ = call(capsys, "bench", "tick", *options, "--json")
    result = json.loads(out)
    assert code == 0
    assert result["silent"]["count"] == 40 and result["speaking"]["count"] == 20
    assert result["num_parameters"] > 0 and result["threads"] == 1
    code, out, _ = call(capsys, "bench", "tick", *options)
    assert code == 0 and out.startswith("machine") and "\nsilent " in out
    assert out.splitlines()[-1].startswith("tail over head: ")


def test_a_trained_folder_is_completed(tmp_path: Path) -> None:
    from microturn.cli_train import SHIPPED_TOKENIZER
    from microturn.train.state import complete

    (tmp_path / "vocoder.json").write_text("mine")
    complete(tmp_path, SHIPPED_TOKENIZER, SHIPPED_TOKENIZER.parent)
    assert (tmp_path / "tokenizer.json").read_bytes() == SHIPPED_TOKENIZER.read_bytes()
    assert (tmp_path / "vocoder.json").read_text() == "mine"
