"""Which voices train, which only test.

The split is by speaker likeness (GE2E similarity): held-out voices and their near twins never enter
training.
"""

from __future__ import annotations

OWN_VOICE = "af_heart"
NEAR_OWN = frozenset({"af_bella"})  # sounds like the model's own voice: on neither side
VALIDATION = frozenset({"af_jessica", "am_onyx"})
HELD_OUT = frozenset(
    {"af_river", "am_adam", "bf_isabella", "bm_lewis", "em_alex", "joe", "rms", "slt"}
)
# fmt: off
TRAINING = (
    "af_alloy", "af_aoede", "af_kore", "af_nicole", "af_nova", "af_sarah", "af_sky", "am_echo",
    "am_eric", "am_fenrir", "am_liam", "am_michael", "am_puck", "am_santa", "bf_alice", "bf_emma",
    "bf_lily", "bm_daniel", "bm_fable", "bm_george", "ef_dora", "em_santa", "ff_siwis", "if_sara",
    "im_nicola", "hf_alpha", "hf_beta", "hm_omega", "hm_psi", "jf_gongitsune", "jf_nezumi",
    "jf_tebukuro", "jm_kumo", "zm_yunjian",
)
# fmt: on

# Voices of programs for machines without Kokoro; a few per cent of a mixed bank at most.
FLITE_TRAINING = ("kal16", "awb")
# fmt: off
ESPEAK_TRAINING = (
    "en-us", "en-gb", "en-gb-x-rp", "en-us+m2", "en-us+m4", "en-us+m5", "en-us+m6", "en-us+m7",
    "en-us+m8", "en-us+Storm", "en-us+Michael", "en-us+victor", "en-us+Gene", "en-us+max",
    "en-us+rob",
)
# fmt: on
OWN_VOICES = (OWN_VOICE, "awb", "en-us")  # the first that is installed speaks for the model


def may_train(voice: str) -> bool:
    """False for every voice that evaluation keeps for itself."""
    return voice not in HELD_OUT | VALIDATION | NEAR_OWN
