"""Attacks stay within their norm, find the worst there is, and follow the true gradient."""

import pytest
import torch
from torch import Generator, Tensor

from superposition.toy import attacks, robustness


@pytest.fixture
def generator() -> Generator:
    return Generator().manual_seed(0)


@pytest.fixture
def model(generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """W, b of eight features in three dimensions, and inputs of density one half."""
    W = torch.randn(8, 3, generator=generator)
    b = 0.1 * torch.randn(8, generator=generator)
    x = (1 - 2 * torch.rand(40, 8, generator=generator)).clamp(min=0)
    return W, b, x


def test_the_attack_on_a_feature_raises_its_input_more_than_any_other_of_norm_1(model, generator):
    W, _, _ = model
    gram = W @ W.T
    raised = (attacks.feature_attacks(W) * gram).sum(1)
    others = torch.nn.functional.normalize(torch.randn(500, 8, generator=generator), dim=1)
    assert (raised >= (others @ gram).max(0).values).all()
    torch.testing.assert_close(attacks.feature_attacks(W).norm(dim=1), torch.ones(8))


def test_a_feature_without_weight_is_not_attacked():
    W = torch.eye(3, 2)
    assert attacks.feature_attacks(W)[2].tolist() == [0, 0, 0]


def test_the_worst_attack_is_the_one_that_trying_each_alone_finds(model, monkeypatch):
    W, b, x = model
    monkeypatch.setattr(attacks, "CHUNK", 3 * 64)
    found = attacks.worst_feature_attack(W, b, x, norm=0.3)
    singly = [attacks.harm(W, b, x, one.expand_as(x)) for one in 0.3 * attacks.feature_attacks(W)]
    torch.testing.assert_close(attacks.harm(W, b, x, found), torch.stack(singly).max(0).values)


def test_no_attack_exceeds_its_norm(model, generator):
    W, b, x = model
    kinds = (
        attacks.worst_feature_attack(W, b, x, norm=0.3),
        attacks.gradient_attack(W, b, x, norm=0.3),
        attacks.random_attack(x, norm=0.3, generator=generator),
    )
    for attack in kinds:
        assert attack.shape == x.shape
        assert float(attack.norm(dim=1).max()) <= 0.3 * (1 + 1e-5)


def test_the_gradient_with_respect_to_the_attack_is_that_of_autograd(model):
    W, b, x = (each.double() for each in model)
    attack = (0.1 * torch.ones_like(x)).requires_grad_()
    attacks.harm(W, b, x, attack).sum().backward()
    assert attack.grad is not None
    torch.testing.assert_close(attacks.input_gradient(W, b, x, attack.detach()), attack.grad)


def test_climbing_the_gradient_never_helps_the_model_and_beats_chance(model, generator):
    W, b, x = model
    climbed = attacks.harm(W, b, x, attacks.gradient_attack(W, b, x, norm=0.3))
    random = attacks.harm(W, b, x, attacks.random_attack(x, norm=0.3, generator=generator))
    assert (climbed >= 0).all()
    assert climbed.mean() > 2 * random.mean()


def test_without_a_gradient_the_gradient_attack_stays_where_it_is():
    W, b = torch.eye(3, 2), torch.full((3,), -1.0)
    attack = attacks.gradient_attack(W, b, torch.zeros(4, 3), norm=0.5)
    assert attack.abs().max() == 0


def test_turning_the_hidden_layer_changes_no_attack(model):
    W, b, x = model
    turn = torch.linalg.qr(torch.randn(3, 3, generator=Generator().manual_seed(1))).Q
    torch.testing.assert_close(
        attacks.worst_feature_attack(W @ turn, b, x, norm=0.3),
        attacks.worst_feature_attack(W, b, x, norm=0.3),
        atol=1e-5,
        rtol=1e-5,
    )


def test_a_model_without_superposition_is_harmed_by_exactly_the_square_of_the_norm(model):
    _, _, x = model
    W, b = robustness.without_superposition(8, 3, probability=0.5)
    harm = attacks.harm(W, b, x, attacks.worst_feature_attack(W, b, x, norm=0.3))
    torch.testing.assert_close(harm, torch.full((40,), 0.09))
