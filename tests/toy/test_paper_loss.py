"""The loss on paper: linear models, the expansion, points on a sphere, codes, all tables."""

import dataclasses
from math import comb

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Generator

from superposition.core.store import schema
from superposition.toy import compression, expansion, saxe, theory_tables, thomson

IMPORTANCE = torch.tensor([1.0, 0.8, 0.6], dtype=torch.float64)


def test_the_linear_loss_is_the_mean_error_on_inputs_of_covariance_one():
    W = torch.randn(1, 3, 2, generator=Generator().manual_seed(0), dtype=torch.float64)
    left = torch.eye(3) - W[0] @ W[0].T
    expected = ((left**2).sum(dim=1) * IMPORTANCE).sum()
    torch.testing.assert_close(saxe.saxe_loss(W, IMPORTANCE), expected[None])


def test_the_gradient_of_the_linear_loss_is_the_one_of_autograd():
    W = torch.randn(4, 3, 2, generator=Generator().manual_seed(0), dtype=torch.float64)
    W.requires_grad_()
    (expected,) = torch.autograd.grad(saxe.saxe_loss(W, IMPORTANCE).sum(), W)
    torch.testing.assert_close(saxe.gradient(W.detach(), IMPORTANCE), expected)


def test_descent_of_the_linear_loss_ends_without_superposition():
    ends = saxe.descend(5, 2, importance_base=0.7, n_starts=20, n_steps=2000, lr=0.05, seed=0)
    assert set(ends["n_represented"]) == {2}
    assert max(ends["largest_overlap"]) < 1e-3
    assert max(abs(excess) for excess in ends["excess"]) < 1e-6


def test_with_one_feature_the_term_is_the_handwritten_integral():
    gram, b = torch.tensor([[1.0, -0.5], [-0.5, 1.0]]), torch.tensor([-0.2, 0.1])
    found = expansion.one_sparse_term(gram, b, torch.ones(2))
    own_first = 0.2**3 / 3 + 0.2**2 * 0.8
    leak_second = (0.1**3) / (3 * 0.5)
    own_second = 0.1**2
    leak_first = 0.0
    assert found == pytest.approx(own_first + leak_second + own_second + leak_first, rel=1e-4)


def test_the_terms_add_up_to_the_loss_on_samples():
    generator = Generator().manual_seed(0)
    models = expansion.examples(seed=0)
    terms = [
        expansion.terms(model, torch.ones(5), n_samples=20_000, generator=generator)
        .assign(model=name)
        .loc[:, ["model", "active", "term", "standard_error"]]
        for name, model in models.items()
    ]
    rows = [
        (
            name,
            0.3,
            *expansion.direct(model, torch.ones(5), 0.3, n_samples=200_000, generator=generator),
        )
        for name, model in models.items()
    ]
    direct = pd.DataFrame(rows, columns=["model", "feature_probability", "loss", "standard_error"])
    sums = expansion.sums(pd.concat(terms, ignore_index=True), direct)
    difference, error, loss = (
        sums[name].to_numpy(dtype=float) for name in ("difference", "standard_error", "loss")
    )
    assert (np.abs(difference) < 4 * error).all()
    assert (error < 0.01 * loss).all()


def test_the_weights_of_all_sets_add_up_to_one():
    assert sum(comb(5, k) * expansion.weight(k, 5, 0.3) for k in range(6)) == pytest.approx(1)


def test_the_pentagon_is_where_five_points_on_a_circle_end():
    shape = thomson.Shape(5, 2, "pentagon")
    table = thomson.starts_table(shape, thomson.minimise(shape, n_starts=8, n_steps=300, seed=0))
    assert table["distance"].iloc[0] < 1e-3
    assert table["energy"].iloc[0] == pytest.approx(table["ideal_energy"].iloc[0], abs=1e-6)
    assert table["energy"].is_monotonic_increasing


def test_products_do_not_depend_on_rotation_or_numbering():
    W = thomson.ideal(thomson.SHAPES[3])
    turned = W.flip(0) @ torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64)).Q
    torch.testing.assert_close(thomson.products(W), thomson.products(turned))
    assert float(thomson.energy(W)) == 0


def test_a_steep_floor_is_a_floor_that_rises_before_whole_numbers():
    u = np.array([0.0, 0.89, 0.95, 1.0, 1.5, 1.99])
    assert compression.steep_floor(u, 0.0).tolist() == [0, 0, 0, 1, 1, 1]
    np.testing.assert_allclose(compression.steep_floor(u, 0.1), [0, 0, 0.5, 1, 1, 1.9])


def test_without_steep_segments_the_errors_are_the_handwritten_ones():
    assert compression.error(3, 0.0, "as printed") == pytest.approx(1 / 54, rel=1e-3)
    assert compression.error(3, 0.0, "centred") == pytest.approx(1 / 216, rel=1e-3)


@pytest.mark.parametrize("direction", [0.0, 20.0, 45.0])
def test_every_linear_code_has_the_error_of_one_direction_lost(direction: float):
    assert compression.linear_error(direction) == pytest.approx(compression.LINEAR, rel=1e-4)


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return theory_tables.tables(small())


def small() -> theory_tables.TheoryConfig:
    return theory_tables.TheoryConfig(
        seed=0,
        n_samples=2_000,
        n_grid=3,
        n_weights=14,
        n_biases=5,
        landscape_probabilities=(1.0, 0.1),
        linear_importance_base=0.8,
        linear_starts=3,
        linear_steps=10,
        linear_lr=0.05,
        set_samples=100,
        direct_samples=1_000,
        expansion_probabilities=(0.5,),
        thomson_starts=3,
        thomson_steps=5,
        compression_steps=(3,),
        compression_epsilons=(0.1,),
    )


def test_every_table_has_the_columns_of_the_schema(tables: dict[str, pd.DataFrame]):
    names = {name.removeprefix("theory/") for name in schema() if name.startswith("theory/")}
    assert {f"{name}.parquet" for name in tables} == names
    for name, table in tables.items():
        assert list(table.columns) == list(schema()[f"theory/{name}.parquet"]), name
        assert len(table)


def test_the_same_seed_gives_the_same_tables(tables: dict[str, pd.DataFrame]):
    for name, table in theory_tables.tables(small()).items():
        pd.testing.assert_frame_equal(table, tables[name])


def test_an_even_grid_is_refused_for_it_would_miss_equal_importance():
    with pytest.raises(ValueError, match="n_grid=4"):
        dataclasses.replace(small(), n_grid=4)
