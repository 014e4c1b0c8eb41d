"""The full scale is checked before any GPU time is spent on it."""

from pathlib import Path
from typing import Any

import pytest
import torch

from superposition import accelerator, preflight, rows
from superposition.core.params import Params
from superposition.preflight import GIB, Need, ResourceError

ROOT = Path(__file__).parents[1]
NEEDS = [Need("sae@l1", 7200.0, 1.0, 1.0)]
ISSUE_WIDTHS = {512, 4096, 16_384, 65_536, 131_072}


@pytest.fixture(scope="module")
def full() -> Params:
    return Params.read("full", root=ROOT)


def with_device(params: Params, device: str) -> Params:
    return Params(tree=params.tree | {"device": device}, origin=params.origin)


def test_every_row_of_the_full_scale_loads_and_has_an_estimate(full: Params) -> None:
    rows.check(full)
    needs = preflight.estimate(full)
    assert all(need.seconds > 0 for need in needs)


@pytest.mark.parametrize("row", ["widths", "widths-l1"])
def test_the_full_scale_has_the_widths_of_the_paper(full: Params, row: str) -> None:
    assert {*full.value("sweep", row)["d_sae"]} == ISSUE_WIDTHS


def test_every_autoencoder_of_the_full_scale_trains_on_200_million_activations(
    full: Params,
) -> None:
    trainings = [values["training"] for values in full.value("sae").values()]
    trainings += [values["shared"]["training"] for values in full.value("sweep").values()]
    assert all(each["n_steps"] * each["batch_size"] >= 200_000_000 for each in trainings)


def test_the_full_scale_fits_a_disk_of_64_gb(full: Params) -> None:
    assert sum(need.disk for need in preflight.estimate(full)) < 55e9


def test_without_a_gpu_the_full_scale_says_what_it_would_take_and_how_to_go_on(
    full: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ResourceError, match=r"about 2 hours.*make reproduce.*device: cpu"):
        accelerator.check(full, NEEDS)
    accelerator.check(with_device(full, "cpu"), NEEDS)
    accelerator.check(Params.read(root=ROOT), NEEDS)


def test_a_gpu_that_is_too_small_is_told_the_width_and_the_batch_that_fit(full: Params) -> None:
    accelerator.check(full, NEEDS, free=80 * GIB)
    with pytest.raises(ResourceError, match=r"2\.0 GiB of the GPU; what fits: .*width of at most"):
        accelerator.check(full, NEEDS, free=2 * GIB)


def test_a_batch_is_offered_where_only_the_batch_is_too_large() -> None:
    training = {"batch_size": 1024}
    values: dict[str, Any] = {"levels": [1], "seeds": [0], "d_sae": [100]}
    values["shared"] = {"training": training}
    available = accelerator.weights(512, 100) + 100 * accelerator.BYTES_PER_PRE_ACTIVATION * 600
    said = accelerator.too_small("widths", 512, values, available)
    assert "a batch of 600 at these widths" in said
