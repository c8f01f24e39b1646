"""The four shapes of corpora: what is read, what is left out, which split it has."""

from __future__ import annotations

import json

import pytest

from microturn.data.corpora import recordings


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"sound")


def tars(folder, *lines):
    folder.mkdir(exist_ok=True)
    (folder / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def entry(key, **more):
    return {"key": f"kathleen/{key}.opus", "dataset": "kathleen", "text": "Hello.", **more}


def test_tars(tmp_path):
    folder = tars(
        tmp_path,
        entry("a", speaker="kathleen", split="train"),
        entry("b", speaker=None, split="validation"),
        entry("c", text=None, text_asr="Hi.", words_ms_asr=[["Hi.", 10, 90]], asr_logprob=-0.5),
        entry("d", text=None, text_asr="Hi.", asr_logprob=-0.61),
        entry("e", text=None),
    )
    found = recordings(folder, for_training=False)
    assert [one.key for one in found] == ["kathleen/a", "kathleen/b", "kathleen/c"]
    assert found[0].place == (folder / "kathleen.tar", "a.opus")
    assert [one.voice for one in found] == ["kathleen", "kathleen-unknown", "kathleen-unknown"]
    assert found[2].times[0].end_ms == 90
    assert found[0].licence == "CC0"
    assert [one.key for one in recordings(folder)] == ["kathleen/a", "kathleen/c"]


def test_librispeech(tmp_path):
    for subset, name in (("train-clean-100", "103-1240-0000"), ("dev-clean", "84-1-0000")):
        chapter = tmp_path / "LibriSpeech" / subset / "103" / "1240"
        touch(chapter / f"{name}.flac")
        (chapter / "103-1240.trans.txt").write_text(f"{name} CHAPTER ONE\nmissing-0001 NO SOUND\n")
    train = recordings(tmp_path / "LibriSpeech")
    assert [(one.voice, one.text, one.split) for one in train] == [
        ("libri-103", "chapter one", "train")
    ]
    both = recordings(tmp_path / "LibriSpeech", for_training=False)
    assert {one.split for one in both} == {"train", "validation"}
    assert not recordings(tmp_path / "LibriSpeech" / "dev-clean")


def test_ljspeech(tmp_path):
    lines = []
    for number in range(200):
        touch(tmp_path / "wavs" / f"LJ{number}.wav")
        lines.append(f"LJ{number}|In 18{number}|In eighteen and number {'x' * number}")
    (tmp_path / "metadata.csv").write_text("\n".join([*lines, "LJ999|No sound|No sound"]))
    train, both = recordings(tmp_path), recordings(tmp_path, for_training=False)
    assert len(both) == 200
    assert 0 < len(both) - len(train) < 30
    assert both[0].text.startswith("In eighteen")
    assert recordings(tmp_path) == train


def test_common_voice(tmp_path):
    header = "client_id\tpath\tsentence\n"
    for name in ("train", "dev"):
        touch(tmp_path / "clips" / f"{name}.mp3")
        rows = f'speaker{name}\t{name}.mp3\tSay "{name}\ns\tlost.mp3\tNo sound\n'
        (tmp_path / f"{name}.tsv").write_text(header + rows)
    train = recordings(tmp_path)
    assert [(one.key, one.text, one.split) for one in train] == [
        ("commonvoice/train", 'Say "train', "train")
    ]
    assert len(recordings(tmp_path, for_training=False)) == 2
    for name in ("train", "dev"):
        (tmp_path / f"{name}.tsv").unlink()
    (tmp_path / "other.tsv").write_text(header)
    with pytest.raises(ValueError, match=r"no train\.tsv"):
        recordings(tmp_path)


def test_speakers_without_a_split_are_kept_whole(tmp_path):
    rows = ["client_id\tpath\tsentence"]
    for number in range(200):
        touch(tmp_path / "clips" / f"{number}.mp3")
        rows.append(f"speaker-{number // 2}\t{number}.mp3\tHello")
    (tmp_path / "validated.tsv").write_text("\n".join(rows))
    train = {one.voice for one in recordings(tmp_path)}
    kept = [o for o in recordings(tmp_path, for_training=False) if o.split == "validation"]
    assert kept
    assert not train & {one.voice for one in kept}


def test_bad_folders(tmp_path):
    with pytest.raises(ValueError, match="no recordings at"):
        recordings(tmp_path)
    with pytest.raises(ValueError, match="no recordings at"):
        recordings(tmp_path / "missing")
    with pytest.raises(ValueError, match="line 2 is not a recording"):
        recordings(tars(tmp_path / "a", entry("a"), {"key": "b"}))
