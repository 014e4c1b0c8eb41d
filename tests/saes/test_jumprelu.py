"""Thresholds: where latents begin to be active, and how the estimated gradients move them."""

from typing import Any

import pytest
import torch
from tests.saes.rows import row

from superposition.saes import base
from superposition.saes.jumprelu import SAE

ONE = torch.zeros(1, dtype=torch.bool)


def by_hand(threshold: float = 1.0, **fields: Any) -> SAE:
    """One input axis, one latent: z = x, x_hat = f, epsilon = 0.2, a target of 1 active latent."""
    fields = {"bandwidth": 0.2, "target_l0": 1.0, "l0_coefficient": 3.0} | fields
    sae = base.build(row("jumprelu", d_sae=1, **fields), d_in=1)
    assert isinstance(sae, SAE)
    with torch.no_grad():
        sae.W_enc.fill_(1.0)
        sae.W_dec.fill_(1.0)
        sae.threshold.fill_(threshold)
    return sae


def gradient_of(sae: SAE, term: str, x: torch.Tensor) -> float:
    loss = sae.loss(x, ONE, progress=0.5)
    return torch.autograd.grad(getattr(loss, term), sae.threshold)[0].item()


def test_a_pre_activation_passes_unchanged_above_its_threshold_only() -> None:
    x = torch.tensor([[-2.0], [0.9], [1.0], [1.1], [5.0]])
    assert by_hand().encode(x).flatten().tolist() == pytest.approx([0.0, 0.0, 0.0, 1.1, 5.0])


def test_the_penalty_moves_the_threshold_by_the_inputs_within_half_a_bandwidth() -> None:
    """Two of four inputs are active: d/dtheta 3 (L0 - 1)^2 = 6 (1/2 - 1) dL0/dtheta, and two
    inputs, one on either side, are close enough: dL0/dtheta = -1/4 (5 + 5)."""
    x = torch.tensor([[0.85], [0.95], [1.05], [1.15]])
    assert gradient_of(by_hand(), "penalty", x) == pytest.approx(-3 * -2.5)


def test_the_error_moves_the_threshold_by_what_the_latent_would_change_there() -> None:
    """x = 0.95 is silent: error -0.95, so 2 (f - x) df/dtheta = -1.9 x -1/0.2; x = 1.05 is active
    and has no error."""
    assert gradient_of(by_hand(), "mse", torch.tensor([[0.95]])) == pytest.approx(-1.9 * -5)
    assert gradient_of(by_hand(), "mse", torch.tensor([[1.05]])) == pytest.approx(0.0, abs=1e-5)


def test_the_penalty_gives_only_thresholds_a_gradient() -> None:
    sae, x = by_hand(), torch.tensor([[0.95], [1.05]])
    penalty = sae.loss(x, ONE, progress=0.5).penalty
    others = [each for name, each in sae.named_parameters() if name != "threshold"]
    gradients = torch.autograd.grad(penalty, others, materialize_grads=True)
    assert not any(each.any() for each in gradients)


def test_at_the_target_the_penalty_and_its_gradient_vanish() -> None:
    sae, x = by_hand(target_l0=0.5), torch.tensor([[0.95], [1.05]])
    assert sae.loss(x, ONE, progress=0.5).penalty.item() == 0.0
    assert gradient_of(sae, "penalty", x) == 0.0


def test_a_small_threshold_moves_as_far_as_a_large_one() -> None:
    """Under Adam a step of log theta would be proportional to theta: 1,000 times smaller."""
    for start in (0.002, 2.0):
        sae = by_hand(start, bandwidth=0.002, target_l0=0.1, initial_threshold=0.002)
        x = torch.linspace(start * 0.7, start * 1.3, 301).unsqueeze(1)
        optimizer = torch.optim.Adam([sae.threshold], lr=0.01)
        loss = sae.loss(x, ONE, progress=0.5)
        loss.penalty.backward()
        optimizer.step()
        assert sae.threshold.item() == pytest.approx(start + 0.01, abs=1e-5)


def test_thresholds_stay_above_half_a_bandwidth() -> None:
    sae = by_hand(-3.0)
    sae.after_step_(sae.codes(torch.ones(2, 1)))
    assert sae.threshold.item() == pytest.approx(0.1)


def test_bfloat16_inputs_are_compared_with_thresholds_in_float32() -> None:
    """1.0079 is 1.0078125 in bfloat16, whose next number is 1.015625."""
    sae, x = by_hand(1.0079), torch.tensor([[1.0078125], [1.015625]])
    assert sae.threshold.dtype == torch.float32
    assert (sae.encode(x.bfloat16()) > 0).flatten().tolist() == [False, True]


def test_l0_is_counted_without_the_silent_latents_near_their_threshold() -> None:
    codes = by_hand().loss(torch.tensor([[0.95], [1.05]]), ONE, progress=0.5).codes
    assert float(codes.l0()) == 0.5


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"target_l0": 0.0}, "target_l0=0.0 is not positive"),
        ({"target_l0": 13.0}, "target_l0=13.0 exceeds d_sae=12"),
        ({"bandwidth": 0.0}, "bandwidth=0.0 is not positive"),
        ({"l0_coefficient": -1.0}, "l0_coefficient=-1.0 is negative"),
        ({"penalty_warm_up": 2.0}, "penalty_warm_up=2.0 is not between"),
        ({"initial_threshold": 0.09}, "initial_threshold=0.09 is below half of bandwidth=0.2"),
    ],
)
def test_numbers_out_of_range_are_refused(fields: dict[str, float], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        row("jumprelu", **fields)
