"""Claims about known features: each is replicated by some made-up runs and refuted by others."""

from pathlib import Path

import numpy as np
import pytest
from tests.claims.known_world import add_comparison, curve
from tests.claims.world import results

from superposition.claims import toy_saes, wrong_l0
from superposition.results import Results

SURE = [0.9, 1.0, 1.1, 1.0, 0.9, 1.0, 1.1, 1.0]
"""Eight differences whose interval is above 0."""
VAGUE = [3.0, -2.0, 3.0, -2.0, 3.0, -2.0, 3.0, -2.0]
"""Eight differences that are above 0 on average, but whose interval is not."""
TEN = [10.0] * 8


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def plus(base: list[float], change: list[float], sign: float = 1.0) -> list[float]:
    return [a + sign * b for a, b in zip(base, change, strict=True)]


@pytest.mark.parametrize(
    ("recovered", "jump", "holds"),
    [
        ((2.0, 3.0, 4.0), 1.5, "replicated"),
        ((2.0, 3.0, 4.0), 0.9, "partly"),
        ((2.0, 5.0, 4.0), 1.5, "partly"),
        ((4.0, 3.0, 2.0), 1.5, "not replicated"),
    ],
)
def test_resampling_must_find_more_lose_less_and_jump(
    r: Results, recovered: tuple[float, float, float], jump: float, holds: str
) -> None:
    names = ("none", "reinitialise", "loss-weighted")
    columns = {
        name: {"recovered": [int(n)] * 8, "loss": [1 / n] * 8}
        for name, n in zip(names, recovered, strict=True)
    }
    trace = {"loss-weighted": curve([0, 9, 10, 20], [1.0, 0.5, 0.5 * jump, 0.3], [0, 2, 2, 4])}
    add_comparison(r, "pentagon", columns, trace=trace)
    verdict = toy_saes.resampling_helps.judge(r)
    assert verdict.holds == holds
    assert verdict.measured == recovered[2] - recovered[0]


def test_only_resamplings_with_a_dead_latent_count_as_spikes() -> None:
    calm = curve([0, 9, 10, 20], [1.0, 0.5, 0.7, 0.3], [0, 2, 2, 4], alive=5)
    busy = curve([0, 9, 10, 20], [1.0, 0.5, 0.7, 0.3], [0, 2, 2, 4], alive=4)
    assert len(toy_saes.spikes(calm)) == 0
    assert toy_saes.spikes(busy).tolist() == pytest.approx([1.4] * 8)


@pytest.mark.parametrize(
    ("more", "holds"), [(SURE, "replicated"), (VAGUE, "partly"), ([-1.0] * 8, "not replicated")]
)
def test_the_projection_helps_if_the_loss_is_higher_without(
    r: Results, more: list[float], holds: str
) -> None:
    columns = {
        "as-published": {"loss": TEN},
        "gradients-not-projected": {"loss": plus(TEN, more)},
    }
    add_comparison(r, "recipe", columns)
    verdict = toy_saes.projection_helps.judge(r)
    assert verdict.holds == holds
    assert verdict.measured == pytest.approx(np.mean(more) / 10)


@pytest.mark.parametrize(
    ("more", "holds"), [(SURE, "replicated"), (VAGUE, "partly"), ([-1.0] * 8, "not replicated")]
)
def test_the_bias_helps_if_more_is_recovered_with_it(
    r: Results, more: list[float], holds: str
) -> None:
    columns = {
        "with-pre-encoder-bias": {"recovered": plus(TEN, more)},
        "without": {"recovered": TEN},
    }
    add_comparison(r, "offset", columns)
    assert toy_saes.bias_helps.judge(r).holds == holds


@pytest.mark.parametrize(
    ("own", "encoders", "holds"),
    [
        (0.8, [0.1] * 4, "replicated"),
        (0.8, [0.1, 0.1, 0.9, 0.9], "partly"),
        (0.99, [0.1] * 4, "partly"),
        (0.99, [0.9] * 4, "not replicated"),
    ],
)
def test_encoders_tilt_apart_if_near_pairs_do_and_cosines_are_low(
    r: Results, own: float, encoders: list[float], holds: str
) -> None:
    latents = {
        "as-published": {
            "kind": ["feature"] * 5,
            "encoder_decoder_cosine": [own] * 5,
            "neighbour_cosine": [0.5] * 4 + [0.05],
            "neighbour_encoder_cosine": [*encoders, 1.0],
        }
    }
    add_comparison(r, "recipe", {}, latents=latents)
    verdict = toy_saes.encoders_tilt_apart.judge(r)
    assert verdict.holds == holds
    assert verdict.measured == np.mean(np.array(encoders) < 0.5)


@pytest.mark.parametrize(
    ("saved", "short", "features", "holds"),
    [
        (1.0, 0.5, 1.0, "replicated"),
        (1.0, 2.0, 1.0, "partly"),
        (-1.0, -2.0, 1.0, "partly"),
        (-1.0, -2.0, -1.0, "not replicated"),
    ],
)
def test_a_lower_rate_must_pay_in_loss_and_features_and_more_so_with_time(
    r: Results, saved: float, short: float, features: float, holds: str
) -> None:
    columns = {
        "as-published": {"loss": TEN, "recovered": plus(TEN, [features] * 8)},
        "rate-higher": {"loss": plus(TEN, [saved] * 8), "recovered": TEN},
        "short": {"loss": TEN, "recovered": TEN},
        "rate-higher-short": {"loss": plus(TEN, [short] * 8), "recovered": TEN},
        "rate-lower": {"loss": TEN, "recovered": TEN},
    }
    add_comparison(r, "recipe", columns)
    assert toy_saes.lower_rate.judge(r).holds == holds


@pytest.mark.parametrize(
    ("dead", "holds"),
    [
        ({"rate": 5, "batches": 5, "repeated": 5, "short": 0}, "replicated"),
        ({"rate": 5, "batches": 5, "repeated": 1, "short": 3}, "partly"),
        ({"rate": 5, "batches": 1, "repeated": 1, "short": 3}, "not replicated"),
    ],
)
def test_causes_of_death_are_counted(r: Results, dead: dict[str, int], holds: str) -> None:
    columns = {
        "as-published": {"dead": [2] * 8},
        "rate-higher": {"dead": [dead["rate"]] * 8},
        "batches-smaller": {"dead": [dead["batches"]] * 8},
        "short": {"dead": [dead["short"]] * 8},
    }
    add_comparison(r, "recipe", columns)
    add_comparison(r, "recipe-repeated", {"repeated": {"dead": [dead["repeated"]] * 8}})
    assert toy_saes.causes_of_death.judge(r).holds == holds


def sweep(r: Results, cosine: dict[int, float], mixed: tuple[int, int] = (5, 1)) -> None:
    columns = {
        f"k-{k}": {"matched_cosine": [value] * 8, "mixed": [mixed[0] if k == 1 else mixed[1]] * 8}
        for k, value in cosine.items()
    }
    add_comparison(r, "wrong-l0-correlated", columns)


@pytest.mark.parametrize(
    ("low", "mixed", "holds"),
    [
        (0.7, (5, 1), "replicated"),
        (0.7, (1, 5), "partly"),
        (0.95, (5, 1), "not replicated"),
    ],
)
def test_a_low_l0_must_lose_cosine_and_mix(
    r: Results, low: float, mixed: tuple[int, int], holds: str
) -> None:
    sweep(r, {1: low, 3: 0.9, 12: 0.8}, mixed)
    assert wrong_l0.too_low.judge(r).holds == holds


@pytest.mark.parametrize(("high", "holds"), [(0.8, "replicated"), (0.95, "not replicated")])
def test_a_high_l0_must_lose_cosine(r: Results, high: float, holds: str) -> None:
    sweep(r, {1: 0.7, 3: 0.9, 12: high})
    assert wrong_l0.too_high.judge(r).holds == holds


@pytest.mark.parametrize(
    ("best", "holds"), [(3, "replicated"), (4, "partly"), (12, "not replicated")]
)
def test_the_best_k_is_named(r: Results, best: int, holds: str) -> None:
    sweep(r, {k: 0.9 if k == best else 0.5 for k in (1, 2, 3, 4, 6, 12)})
    verdict = wrong_l0.best_at_the_truth.judge(r)
    assert (verdict.holds, verdict.measured) == (holds, best)
