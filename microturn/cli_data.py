"""`microturn synth`: options -> the generators in `data/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def synth(
    out: Path | None,
    bank: tuple[Path, ...],
    families: tuple[str, ...],
    count: int,
    seed: int,
    seconds: int,
    roughness: float,
    gallery: Path | None = None,
) -> dict[str, Any]:
    """Write `count` conversations, or a gallery of the skills.

    Raises ValueError for an unknown family or an unusable bank.
    """
    from microturn.data.loader import weights

    if (out is None) == (gallery is None):
        raise ValueError("synth writes conversations to --out or pictures to --gallery: give one")
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    if seconds < 5:
        raise ValueError(f"a conversation needs at least 5 seconds, got {seconds}")
    if not 0 <= roughness <= 1:
        raise ValueError(f"roughness must be 0 to 1, got {roughness}")
    weights(dict.fromkeys(families, 1.0) or None)
    if gallery is not None:
        from microturn.data.gallery import write_gallery

        return write_gallery(gallery, bank, families, seed)
    from microturn.data.synth import synthesize

    assert out is not None
    return synthesize(
        out=out,
        bank=bank,
        families=families,
        count=count,
        seed=seed,
        duration_ms=seconds * 1000,
        roughness=roughness,
    )
