"""ARENA's claims about variants, models and conventions, held by some results and not by others."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.claims.known_world import add_comparison, curve
from tests.claims.world import add_toy, add_toy_sae, orthogonal_pair, polygon, results

from superposition.claims import arena_comparisons, arena_models, conventions
from superposition.results import Results
from superposition.saes import l1


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


@pytest.mark.parametrize(
    ("density", "holds"), [(0.01, "replicated"), (0.006, "partly"), (0.004, "not replicated")]
)
def test_latents_must_fire_as_often_as_features_occur(
    r: Results, density: float, holds: str
) -> None:
    add_toy(r, "sae-target", {0.01: [polygon(5)] * 8})
    add_toy_sae(r, "no-resampling", [3] * 8)
    table = r.toy_sae("no-resampling").recovery.assign(density=density)
    r.store.save_table(table, "toy_sae", "no-resampling", "recovery.parquet")
    r.toy_sae("no-resampling").__dict__.pop("recovery")
    verdict = arena_comparisons.firing_probability.judge(r)
    assert verdict.holds == holds
    assert verdict.measured == pytest.approx(density / 0.01)


def test_without_a_recovered_feature_nothing_fires_as_it_should(r: Results) -> None:
    add_toy(r, "sae-target", {0.01: [polygon(5)] * 8})
    add_toy_sae(r, "no-resampling", [0] * 8)
    assert arena_comparisons.firing_probability.judge(r).measured is None


@pytest.mark.parametrize(
    ("recovered", "holds"),
    [((2, 3, 4), "replicated"), ((2, 5, 4), "partly"), ((4, 3, 2), "not replicated")],
)
def test_the_three_ways_must_come_in_order(
    r: Results, recovered: tuple[int, int, int], holds: str
) -> None:
    names = arena_comparisons.TRENDING
    columns = {name: {"recovered": [n] * 8} for name, n in zip(names, recovered, strict=True)}
    add_comparison(r, "pentagon", columns)
    assert arena_comparisons.ordering.judge(r).holds == holds


@pytest.mark.parametrize(
    ("cosine", "correlation", "holds"),
    [
        (0.99, 0.98, "replicated"),
        (0.99, 0.9, "partly"),
        (0.9, 0.9, "not replicated"),
    ],
)
def test_directions_and_activations_must_match(
    r: Results, cosine: float, correlation: float, holds: str
) -> None:
    columns = {"matched_cosine": [cosine] * 8, "correlation": [correlation] * 8}
    add_comparison(r, "pentagon", {"loss-weighted": columns})
    assert arena_comparisons.directions_match.judge(r).holds == holds


@pytest.mark.parametrize(
    ("steps", "holds"),
    [
        ((30, 20, 10), "replicated"),
        ((30, 10, 20), "partly"),
        ((10, 20, 30), "not replicated"),
    ],
)
def test_more_latents_must_be_faster(r: Results, steps: tuple[int, int, int], holds: str) -> None:
    names = ("none", "seven-latents", "ten-latents")
    trace = {}
    for name, when in zip(names, steps, strict=True):
        found = [5 if step >= when else 2 for step in (0, 10, 20, 30)]
        trace[name] = curve([0, 10, 20, 30], [1.0] * 4, found)
    add_comparison(r, "pentagon", {name: {"recovered": [5] * 8} for name in names}, trace=trace)
    verdict = arena_comparisons.more_latents.judge(r)
    assert verdict.holds == holds
    assert verdict.measured == steps[0] - steps[2]


def test_never_counts_as_all_steps() -> None:
    trace = curve([0, 10, 30], [1.0] * 3, [0, 4, 4]).assign(variant="none")
    assert arena_comparisons.steps_to_all(trace, "none").tolist() == [30.0] * 8


@pytest.mark.parametrize(
    ("tied", "holds"),
    [([5] * 8, "replicated"), ([5, 1, 5, 1, 5, 1, 5, 2], "partly"), ([1] * 8, "not replicated")],
)
def test_tied_weights_must_find_more(r: Results, tied: list[int], holds: str) -> None:
    add_comparison(r, "pentagon", {"tied": {"recovered": tied}, "none": {"recovered": [3] * 8}})
    assert arena_comparisons.tied.judge(r).holds == holds


@pytest.mark.parametrize(
    ("n_apart", "cosine", "holds"),
    [(8, 0.999, "replicated"), (8, 0.9, "partly"), (3, 0.999, "not replicated")],
)
def test_encoders_must_be_pushed_apart_while_decoders_stay(
    r: Results, n_apart: int, cosine: float, holds: str
) -> None:
    encoder = np.repeat(np.where(np.arange(8) < n_apart, 0.2, 0.8), 2)
    latents = {
        "kind": ["feature", "feature"] * 8,
        "instance": np.repeat(range(8), 2).tolist(),
        "neighbour_cosine": [0.6, 0.5] * 8,
        "neighbour_encoder_cosine": encoder.tolist(),
    }
    features = {"cosine": [cosine] * 8}
    add_comparison(
        r,
        "uneven-angles",
        {"four-latents": {}},
        latents={"four-latents": latents},
        features={"four-latents": features},
    )
    verdict = arena_comparisons.encoders_pushed_apart.judge(r)
    assert (verdict.holds, verdict.measured) == (holds, n_apart / 8)


@pytest.mark.parametrize(
    ("norm", "holds"), [(0.002, "replicated"), (0.03, "partly"), (0.2, "not replicated")]
)
def test_the_bias_must_stay_at_the_centre(r: Results, norm: float, holds: str) -> None:
    add_comparison(r, "pentagon", {"loss-weighted": {"bias_norm": [norm] * 8}})
    assert arena_comparisons.bias_at_the_centre.judge(r).holds == holds


@pytest.mark.parametrize(
    ("dense", "sparse", "holds"),
    [
        (orthogonal_pair(), polygon(5), "replicated"),
        (polygon(5), polygon(5), "partly"),
        (orthogonal_pair(), orthogonal_pair(), "not replicated"),
    ],
)
def test_the_tutorial_s_sweep_must_end_in_a_pentagon(
    r: Results, dense: torch.Tensor, sparse: torch.Tensor, holds: str
) -> None:
    add_toy(r, "arena-five-in-two", {1.0: [dense] * 2, 0.02: [sparse] * 2})
    assert arena_models.five_in_two.judge(r).holds == holds


@pytest.mark.parametrize(
    ("last", "holds"), [(0.05, "replicated"), (0.03, "partly"), (0.02, "not replicated")]
)
def test_the_text_must_name_the_last_density(last: float, holds: str) -> None:
    assert arena_models.check_last_density(np.array([1.0, last])).holds == holds


def test_hidden_states_lie_on_rays_if_features_are_rare(r: Results) -> None:
    add_toy(r, "arena-five-in-two", {1.0: [polygon(5)], 0.02: [polygon(5)]})
    assert arena_models.on_rays.judge(r).holds == "replicated"
    on, n = arena_models.rays(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]), np.eye(2))
    assert (on, n) == (1, 2)


@pytest.mark.parametrize(
    ("counts", "holds"),
    [((2, 5), "replicated"), ((2, 3), "partly"), ((3, 3), "not replicated")],
)
def test_a_larger_model_must_hold_more_features_when_sparse(
    r: Results, counts: tuple[int, int], holds: str
) -> None:
    models = [polygon(n, n_features=6) for n in counts]
    add_toy(r, "eighty-in-twenty", {1.0: models[:1], 0.001: models[1:]})
    assert arena_models.eighty_in_twenty.judge(r).holds == holds


@pytest.mark.parametrize(
    ("corners", "holds"),
    [
        ((5, 5, 4), "replicated"),
        ((5, 4, 5), "not replicated"),
        ((4, 5, 4), "not replicated"),
    ],
)
def test_the_pentagon_must_go_once(r: Results, corners: tuple[int, ...], holds: str) -> None:
    ratios = (1.0, 0.5, 0.2)
    models = {
        (0.05, 1.0, ratio, 0.0): [polygon(n)] for ratio, n in zip(ratios, corners, strict=True)
    }
    add_toy(r, "perturbed-pentagon", models)
    assert arena_models.perturbed.judge(r).holds == holds


def test_the_definition_is_checked_part_by_part() -> None:
    class Longer(l1.SAE):
        def normalise_decoder_(self) -> None:
            self.W_dec.data.mul_(2)

    assert conventions.check_definition(l1.SAE).holds == "replicated"
    wrong = conventions.check_definition(Longer)
    assert (wrong.holds, wrong.measured) == ("not replicated", "3 of 4")


def test_a_penalty_by_mean_is_halved_by_doubling_latents() -> None:
    assert conventions.check_duplication(lambda acts: acts.sum(-1).mean()).holds == "replicated"
    by_mean = conventions.check_duplication(lambda acts: acts.mean())
    assert (by_mean.holds, by_mean.measured) == ("not replicated", pytest.approx(0.5))


def test_only_the_converted_coefficient_gives_the_same_loss() -> None:
    assert conventions.check_conversion(6.0e-4).holds == "replicated"
    assert conventions.check_conversion(3.0e-4).holds == "not replicated"


@pytest.mark.parametrize(
    ("converted", "holds"), [(1.05, "replicated"), (1.4, "partly"), (2.0, "not replicated")]
)
def test_coefficients_are_comparable_if_conversion_leaves_them(
    converted: float, holds: str
) -> None:
    assert conventions.check_comparable(converted, 1.0).holds == holds


def test_a_mean_is_no_frequency_and_a_mean_square_no_norm() -> None:
    assert conventions.check_frequency(lambda acts: acts.mean(0)).holds == "not replicated"
    assert (
        conventions.check_frequency(lambda acts: (acts > 0).float().mean(0)).holds == "replicated"
    )
    assert conventions.check_norm(lambda x: x.square().mean()).holds == "not replicated"
    assert conventions.check_norm(lambda x: x.norm(dim=1).mean()).holds == "replicated"
