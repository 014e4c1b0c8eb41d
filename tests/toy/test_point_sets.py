"""Finite data sets: sparse points of length 1."""

import pytest
import torch

from superposition.toy.point_sets import PointSet, draw_points, random_stream


def draw(n_points: int, *, p: float = 0.1, n_features: int = 50) -> PointSet:
    generator = random_stream(3, "points")
    return draw_points(n_points, n_features=n_features, feature_probability=p, generator=generator)


def test_every_point_has_length_one() -> None:
    torch.testing.assert_close(draw(700).dense().norm(dim=1), torch.ones(700))


def test_points_without_active_features_are_drawn_again() -> None:
    points = draw(700, p=0.005)
    assert points.n_points == 700
    assert points.ends().diff().min() == 1


def test_features_are_active_as_often_as_asked() -> None:
    share = (draw(2000).dense() > 0).float().mean()
    assert share == pytest.approx(0.1, abs=0.005)


def test_before_the_scaling_values_are_uniform() -> None:
    points = draw(2000, p=1.0, n_features=2)
    first, second = points.dense().T
    assert (first < second).float().mean() == pytest.approx(0.5, abs=0.03)
    below = (torch.minimum(first, second) / torch.maximum(first, second) < 0.5).float().mean()
    assert below == pytest.approx(0.5, abs=0.03)


def test_a_longer_list_begins_with_the_shorter_one() -> None:
    long, short = draw(700).dense(), draw(30).dense()
    torch.testing.assert_close(long[:30], short)


def test_a_part_is_some_of_the_rows() -> None:
    points = draw(40)
    torch.testing.assert_close(points.part(5, 12).dense(), points.dense()[5:12])


def test_hidden_vectors_are_products_with_the_weights() -> None:
    points, W = draw(40), torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(points.hidden(W), points.dense() @ W)


def test_streams_of_other_purposes_differ_and_the_same_one_repeats() -> None:
    first, again, other = (
        torch.rand(4, generator=random_stream(0, word)) for word in ("a", "a", "b")
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
