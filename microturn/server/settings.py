"""Our extension of the Live API, `session.microturn`: what sets the model's behaviour."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, field_validator

from microturn.engine.sampler import EAGERNESS, eagerness_of

MAX_EAGERNESS = 10.0  # in log odds: beyond it the model does nothing but speak, or never does


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Settings(Strict):
    """At the start of a session, and with `session.update` on the way."""

    eagerness: float | None = None

    @field_validator("eagerness", mode="before")
    @classmethod
    def _by_name_or_number(cls, value: object) -> float | None:
        """Raises ValueError for an unknown name, no number or a number out of range."""
        if value is None:
            return None
        try:
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise ValueError
            found = eagerness_of(value)
            if abs(found) > MAX_EAGERNESS:
                raise ValueError
        except (ValueError, OverflowError):
            raise ValueError(
                f"give a number from {-MAX_EAGERNESS:g} to {MAX_EAGERNESS:g}, or one of "
                f"{', '.join(EAGERNESS)}"
            ) from None
        return found
