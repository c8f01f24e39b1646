"""Makes the packed files of `texts/` from their sources; needed only to add or renew a source.

    python -m microturn.data.gather --lj lj.txt --manifest clips.jsonl --wordnet /usr/share/wordnet

LJSpeech: one written sentence a line, in the order of the clips. CMU Arctic: lines of a manifest
with `dataset`, `text` and `split`. What stands there under `validation` is kept for evaluation.
WordNet: the example sentences of the database files.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import tyro

from microturn.data.corpus import TEXTS, words_of
from microturn.data.spoken_forms import to_spoken

HEADERS = {
    "lj": (
        "LJ Speech Dataset, Keith Ito and Linda Johnson, 2017; books published 1884 to 1964",
        "public domain",
    ),
    "arctic": (
        "CMU Arctic prompts, John Kominek and Alan W Black, 2003; out-of-copyright books",
        "public domain texts, free for any use",
    ),
    "wordnet": (
        "WordNet 3.0 example sentences, Princeton University, 2006",
        "WordNet 3.0 licence (permissive; the notice follows)",
    ),
}
ENDS_SHORT = re.compile(
    r"(?:\b(?:Mrs?|Dr|Drs|St|Lt|Col|Gen|Capt|Sgt|Messrs|Rev|Hon|No)|\b[A-Z])\.$"
)
SLURS = re.compile(r"\b(?:nigg|negro|squaw|chink|jap\b|coolie|darkie|savages?\b)", re.IGNORECASE)
SUBJECTS = frozenset(
    {"he", "she", "they", "i", "we", "you", "it", "the", "a", "an", "this", "that", "these",
     "those", "my", "his", "her", "our", "their", "your", "there", "what", "who", "how", "why",
     "where", "when", "some", "many", "most", "every", "all", "no", "nobody", "everyone", "don't"}
)  # fmt: skip
VERBS = re.compile(
    r"\b(?:is|are|was|were|has|have|had|did|does|do|don't|didn't|will|won't|would|can|can't|cannot|"
    r"could|must|should|may|might|\w{3,}ed|went|came|made|took|gave|said|got|saw|knew|felt|left|"
    r"kept|found|lost|told|brought|ran|fell|grew|wore|spoke|held|stood|began|broke|wrote|sat)\b"
)
# Not what a model should say or learn to hear by chance.
UNWANTED = re.compile(
    r"\b(?:sex\w*|rap(?:e|ed|es|ist)|whore\w*|slut\w*|prostitut\w*|nigg\w*|negro\w*|jew|jews|nazi\w*|"
    r"hitler|suicid\w*|kill\w*|murder\w*|corpse\w*|breast\w*|penis\w*|vagina\w*|nude\w*|naked\w*|"
    r"fuck\w*|shit\w*|bitch\w*|bastard\w*|damn\w*|hell|ass|asshole|piss\w*|gay|lesbian\w*|homosex\w*|"
    r"queer\w*|orgasm\w*|seduc\w*|erotic\w*|lynch\w*|slave\w*|savages?|cripple\w*|idiot\w*|moron\w*|"
    r"retard\w*|whites|blacks|indians|orientals|terroris\w*|bomb\w*|tortur\w*|behead\w*|massacre\w*|"
    r"drunk\w*|cocaine|heroin|marijuana|abort\w*|semen|intercourse|mistress|lust\w*|fascis\w*|"
    r"deflower\w*|"
    r"communis\w*|muslims?|blood\w*|dead|died|dies|death\w*|shot|stab\w*|hang(?:ed)?|fat)\b"
)


def kept_clips(manifest: Path | None, dataset: str) -> set[str]:
    """Texts whose clips are kept for evaluation."""
    if manifest is None:
        return set()
    entries = map(json.loads, manifest.read_text(encoding="utf-8").splitlines())
    return {e["text"] for e in entries if (e["dataset"], e["split"]) == (dataset, "validation")}


def from_lj(path: Path, manifest: Path | None = None) -> Iterator[tuple[str, bool]]:
    """Spoken sentences in the order of the clips, without the reader's "quote" and "end quote"."""
    kept = kept_clips(manifest, "lj")
    for line in path.read_text(encoding="utf-8").splitlines():
        if ENDS_SHORT.search(line):
            continue
        is_kept = line in kept
        line = re.sub(r"[,;:]? ?\bend quote\b", "", line)
        line = re.sub(r"\b[Qq]uote,\s*|[,:] quote$", "", line)
        yield to_spoken(line), is_kept


def from_arctic(path: Path, dataset: str = "kathleen") -> Iterator[tuple[str, bool]]:
    """Prompts once each, with whether their clip is kept for evaluation."""
    kept = kept_clips(path, dataset)
    entries = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    for text in dict.fromkeys(e["text"] for e in entries if e["dataset"] == dataset):
        yield to_spoken(text), text in kept


def is_sentence(written: str) -> bool:
    """Whether an example of a dictionary is a whole modern sentence of 4 to 20 words."""
    words = written.lower().split()
    if not 4 <= len(words) <= 20 or re.search(r"[^A-Za-z ,.'?!;-]", written):
        return False
    if UNWANTED.search(written.lower()) or written.isupper():
        return False
    begins = written[0].isupper() or words[0] in SUBJECTS
    return begins and (words[0] in ("he", "she", "they", "i", "we") or bool(VERBS.search(written)))


def from_wordnet(folder: Path) -> Iterator[tuple[str, bool]]:
    """Example sentences of the database files, each ended like a sentence."""
    for part in ("verb", "noun", "adj", "adv"):
        for line in (folder / f"data.{part}").read_text(encoding="latin-1").splitlines():
            for example in re.findall(r'"([^"]+)"', line.partition("|")[2]):
                if is_sentence(example):
                    spoken = to_spoken(example)
                    yield spoken if spoken[-1:] in ("?", "!", ".") else f"{spoken}.", False


def pack(name: str, lines: Iterable[tuple[str, bool]], notice: str = "") -> int:
    """Write `texts/NAME.txt.gz`, the same bytes each time; how many sentences it has."""
    source, licence = HEADERS[name]
    kept: dict[str, bool] = {}
    for text, is_eval in lines:
        if len(words_of(text)) >= 2 and not SLURS.search(text):
            kept[text] = kept.get(text, False) or is_eval
    header = [f"# source: {source}", f"# licence: {licence}"]
    header += [f"# {line}".rstrip() for line in notice.splitlines()]
    body = [f"{text}\teval" if is_eval else text for text, is_eval in kept.items()]
    content = "\n".join([*header, *body, ""]).encode()
    (TEXTS / f"{name}.txt.gz").write_bytes(gzip.compress(content, 9, mtime=0))
    return len(kept)


def wordnet_notice(folder: Path) -> str:
    """The licence as it stands at the head of every file of the database."""
    lines = (folder / "data.noun").read_text(encoding="latin-1").splitlines()[:29]
    return "\n".join(re.sub(r"^\s+\d+ ?", "", line).strip() for line in lines)


def main(lj: Path | None = None, manifest: Path | None = None, wordnet: Path | None = None) -> None:
    """Renew the files whose source is given."""
    if lj:
        print(f"lj: {pack('lj', from_lj(lj, manifest))} sentences")
    if manifest:
        print(f"arctic: {pack('arctic', from_arctic(manifest))} sentences")
    if wordnet:
        num = pack("wordnet", from_wordnet(wordnet), wordnet_notice(wordnet))
        print(f"wordnet: {num} sentences")


if __name__ == "__main__":
    tyro.cli(main)
