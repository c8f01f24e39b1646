"""An open full-duplex interaction model: 200 ms in, 200 ms out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from microturn.engine.pretrained import Model

__version__ = "0.1.0"
__all__ = ["Model", "__version__"]


def __getattr__(name: str) -> Any:
    """`microturn.Model` is imported when it is first used: torch takes seconds."""
    if name != "Model":
        raise AttributeError(f"module 'microturn' has no attribute {name!r}")
    from microturn.engine.pretrained import Model

    return Model
