"""The linear model's lowest loss."""

import pytest
import torch

from superposition.toy import theory


def test_linear_loss_is_the_variance_of_the_least_important_features():
    importance = torch.tensor([0.25, 1.0, 0.5])
    assert theory.linear_loss(importance, 1.0, d_hidden=1) == pytest.approx(0.75 / 12)
    assert theory.linear_loss(importance, 1.0, d_hidden=3) == 0
