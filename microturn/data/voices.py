"""Which voices train, which only test; voices that are made of others.

The split is by speaker likeness (GE2E similarity): held-out voices and their near twins never enter
training. A voice may be made of others: `blend:af_kore+bm_george@0.5` is half of each (the number
is the share of the first), `af_kore~1.08` is af_kore with its whole spectrum 8 % higher at the same
pace; both may be joined, `blend:af_kore+bm_george@0.5~0.94`. What is made of a voice that
evaluation keeps is kept as well, and so is what is made of the model's own voice.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

OWN_VOICE = "af_heart"
NEAR_OWN = frozenset({"af_bella"})  # sounds like the model's own voice: on neither side
VALIDATION = frozenset({"af_jessica", "am_onyx"})
FOREIGN_KEPT = {"spanish": "es-419", "german": "de", "french": "fr-be"}  # of espeak-ng
HELD_OUT = frozenset(
    {"af_river", "am_adam", "bf_isabella", "bm_lewis", "em_alex", "joe", "rms", "slt", "slt_hts"}
) | frozenset(FOREIGN_KEPT.values())
# fmt: off
TRAINING = (
    "af_alloy", "af_aoede", "af_kore", "af_nicole", "af_nova", "af_sarah", "af_sky", "am_echo",
    "am_eric", "am_fenrir", "am_liam", "am_michael", "am_puck", "am_santa", "bf_alice", "bf_emma",
    "bf_lily", "bm_daniel", "bm_fable", "bm_george", "ef_dora", "em_santa", "ff_siwis", "if_sara",
    "im_nicola", "hf_alpha", "hf_beta", "hm_omega", "hm_psi", "jf_gongitsune", "jf_nezumi",
    "jf_tebukuro", "jm_kumo", "zm_yunjian",
)
# fmt: on

# Those of Kokoro, which an older manifest may not say.
KOKORO = (
    frozenset(TRAINING)
    | VALIDATION
    | NEAR_OWN
    | {OWN_VOICE}
    | {voice for voice in HELD_OUT if voice[2:3] == "_"}
)

# Voices of programs for machines without Kokoro; a few per cent of a mixed bank at most.
FLITE_TRAINING = ("kal16", "awb")
FESTIVAL_TRAINING = ("ked",)
# fmt: off
ESPEAK_TRAINING = (
    "en-us", "en-gb", "en-gb-x-rp", "en-us+m2", "en-us+m4", "en-us+m5", "en-us+m6", "en-us+m7",
    "en-us+m8", "en-us+Storm", "en-us+Michael", "en-us+victor", "en-us+Gene", "en-us+max",
    "en-us+rob",
)
# fmt: on
# Who speaks what is not English: espeak-ng, whose own rules know the languages.
FOREIGN_TRAINING = {
    "spanish": ("es", "es+m3", "es+f2"),
    "german": ("de+m3", "de+m5", "de+f2"),
    "french": ("fr-fr", "fr-fr+m3", "fr-fr+f2"),
}
OWN_VOICES = (OWN_VOICE, "awb", "en-us")  # the first that is installed speaks for the model

BLEND, AND, SHARE, WARP = "blend:", "+", "@", "~"
WARPS = tuple(place / 100 for place in (92, 93, 94, 95, 96, 104, 105, 106, 107, 108))
SHARES = tuple(place / 100 for place in range(30, 71))
MADE_PER_VOICE = 10


@dataclass(frozen=True)
class Made:
    """What a voice is made of. share: of the first of two parents. warp: 1.08 is 8 % higher."""

    parents: tuple[str, ...]
    share: float = 1.0
    warp: float = 1.0


def made_of(voice: str) -> Made:
    """Take a voice's name apart. Raises ValueError for a blend or warp that is not well written."""
    name, has_warp, warp = voice.partition(WARP)
    first, share, second = name, "1", ""
    if name.startswith(BLEND):
        pair, _, share = name.removeprefix(BLEND).rpartition(SHARE)
        first, _, second = pair.partition(AND)
    try:
        made = Made(
            (first, second) if name.startswith(BLEND) else (first,),
            float(share),
            float(warp) if has_warp else 1.0,
        )
    except ValueError:
        made = Made(("",))
    is_sound = 0 <= made.share <= 1 and 0.8 <= made.warp <= 1.25
    if not all(made.parents) or not is_sound:
        raise ValueError(
            f"no voice can be called {voice}; want a name, {BLEND}NAME{AND}NAME{SHARE}0.5 (shares "
            f"0 to 1) or NAME{WARP}1.08 (0.8 to 1.25)"
        )
    return made


def is_made(voice: str) -> bool:
    """Whether a voice is a blend or a warp."""
    return voice.startswith(BLEND) or WARP in voice


def engine_of(voice: str, stated: str | None = None) -> str:
    """The engine that is stated, or that the voice is known by."""
    is_known = set(made_of(voice).parents) <= KOKORO
    return stated or ("kokoro" if is_known else "not stated")


def may_train(voice: str) -> bool:
    """False for every voice that evaluation keeps for itself, and for what is made of one.

    Also for what is made of the model's own voice: it would be a near twin of it.
    """
    kept = HELD_OUT | VALIDATION | NEAR_OWN
    if is_made(voice):
        kept = kept | {OWN_VOICE}
    return not kept & set(made_of(voice).parents)


def more_voices(training: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """`count` voices made of training voices: blends of two and warps in turn; no name twice.

    Raises ValueError when there are too few voices to make them of, or one that must not train.
    """
    kept = [voice for voice in training if not may_train(voice) or voice == OWN_VOICE]
    if kept:
        raise ValueError(f"voices kept for evaluation make no others: {', '.join(kept)}")
    most = MADE_PER_VOICE * len(training) if len(training) > 1 else 0
    if not 0 <= count <= most:
        raise ValueError(
            f"{len(training)} training voices make 0 to {most} others, {count} were asked for"
        )
    rng = random.Random(f"more voices/{seed}")
    found: dict[str, None] = {}
    while len(found) < count:
        if len(found) % 2:
            found[f"{rng.choice(training)}{WARP}{rng.choice(WARPS)}"] = None
        else:
            first, second = rng.sample(list(training), 2)
            found[f"{BLEND}{first}{AND}{second}{SHARE}{rng.choice(SHARES)}"] = None
    return list(found)
