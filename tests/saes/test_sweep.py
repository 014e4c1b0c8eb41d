"""The autoencoders of a sweep: which they are, how they are named, and how they are kept."""

from dataclasses import asdict
from typing import Any

import pytest
import torch
from tests.saes import rows

from superposition.core.params import ParameterError
from superposition.saes import base, sweep
from superposition.saes.sweep import Point, SweepConfig

SHARED = {
    "training": asdict(rows.training()),
    "resampling": None,
    "k_aux": 2,
    "aux_coefficient": 1 / 32,
    "threshold_decay": 0.9,
}


def config(**changes: Any) -> SweepConfig:
    fields: dict[str, Any] = {
        "arch": "batch_topk",
        "activations": "main",
        "d_sae": [12, 16],
        "level": "k",
        "levels": [2, 4],
        "seeds": [0, 7],
        "shared": SHARED,
        "n_tokens": 10,
        "batch_size": 2,
        "seed": 0,
    }
    return SweepConfig(**(fields | changes))


def points(config: SweepConfig) -> list[Point]:
    return sweep.points(config, key="sweep.x", origin="params.yaml")


def test_every_width_level_and_seed_is_a_point() -> None:
    found = points(config())
    assert len(found) == 8
    assert [point.name for point in found[:3]] == ["12-2-0", "12-2-7", "12-4-0"]
    one = found[-1].config
    assert (found[-1].name, one.d_sae, one.seed) == ("16-4-7", 16, 7)
    assert one == rows.row("batch_topk", activations="main", d_sae=16, seed=7, k=4)


def test_a_level_that_is_a_fraction_is_named_as_typed() -> None:
    shared = {"training": SHARED["training"], "resampling": None}
    fractions = config(arch="l1", level="l1_coefficient", levels=[0.003], shared=shared)
    assert points(fractions)[0].name == "12-0.003-0"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"d_sae": []}, r"d_sae=\[\] is empty or has a value twice"),
        ({"seeds": [1, 1]}, r"seeds=\[1, 1\] is empty or has a value twice"),
        ({"shared": SHARED | {"k": 3}}, "shared has k, which the row itself sets"),
        ({"n_tokens": 0}, "n_tokens=0 is below 1"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(**changes)


def test_what_the_architecture_refuses_is_told_with_the_row() -> None:
    with pytest.raises(ParameterError, match=r"k=50 exceeds d_sae=12 \(params.yaml: sweep.x\)"):
        points(config(levels=[50]))
    with pytest.raises(ParameterError, match=r"unknown parameter sweep\.x\.wat"):
        points(config(shared=SHARED | {"wat": 1}))


def test_each_point_comes_back_from_the_weights_of_all() -> None:
    found = points(config())
    saes = [base.build(point.config, d_in=6) for point in found]
    for number, sae in enumerate(saes):
        torch.nn.init.constant_(sae.W_dec, number)
    kept = sweep.weights(found, saes)
    for point, sae in zip(found, saes, strict=True):
        again = base.restore(point.config, sweep.weights_of(point.name, kept))
        for name, value in sae.state_dict().items():
            assert torch.equal(value, again.state_dict()[name])


def test_a_point_that_is_not_there_is_told_which_are() -> None:
    with pytest.raises(ValueError, match="no point '5-1-0' in the sweep; have: 12-2-0"):
        sweep.weights_of("5-1-0", {"12-2-0.W_enc": torch.zeros(1)})
