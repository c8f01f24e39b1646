"""Any field of a config by name; what does not fit is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from microturn.train.loop import TrainConfig
from microturn.train.settings import with_settings

CONFIG = TrainConfig(Path("o"), (Path("b"),), Path("t"))


def test_fields_of_all_depths_are_set():
    found = with_settings(
        CONFIG, ["seed=3", "optim.betas=[0.8, 0.9]", "optim.muon_lr=1", "device=cpu"]
    )
    assert found.seed == 3 and found.optim.betas == (0.8, 0.9)
    assert isinstance(found.optim.muon_lr, float) and found.device == "cpu"
    assert found.pack == CONFIG.pack and CONFIG.seed == 0
    assert with_settings(CONFIG, []) == CONFIG
    assert with_settings(CONFIG, ["seed=1", "seed=2"]).seed == 2


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("seed", "NAME=VALUE"),
        ("sead=1", "did you mean seed"),
        ("optim.lr=1", "no setting optim.lr"),
        ("optim=1", "one of optim.use_muon"),
        ("seed.a=1", "seed is a value"),
        ("seed=fast", "seed is 0, a int"),
        ("seed=1.5", "does not fit"),
        ("seed=true", "does not fit"),
        ("has_rooms=1", "does not fit"),
        ("preset=1", "does not fit"),
        ("loss.flow_weight=-1", "must not be negative"),
    ],
)
def test_what_does_not_fit_is_named(setting, message):
    with pytest.raises(ValueError, match=message):
        with_settings(CONFIG, [setting])
