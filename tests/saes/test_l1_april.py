"""Free decoder norms: what they leave unchanged, and what starts where."""

import pytest
import torch
from tests.saes.rows import row

from superposition.saes import base
from superposition.saes.l1_april import SAE

NONE_DEAD = torch.zeros(12, dtype=torch.bool)


def started(**fields: float) -> tuple[SAE, torch.Tensor]:
    x = 3 + torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    sae = base.build(row("l1_april", **fields), d_in=6)
    assert isinstance(sae, SAE)
    sae.initialise_(x)
    return sae, x


def test_longer_decoder_rows_with_smaller_activations_change_nothing() -> None:
    sae, x = started()
    before = sae.loss(x, NONE_DEAD, progress=0.5)
    factors = torch.linspace(0.2, 5, 12)
    with torch.no_grad():
        sae.W_dec *= factors.unsqueeze(1)
        sae.W_enc /= factors
        sae.b_enc /= factors
    after = sae.loss(x, NONE_DEAD, progress=0.5)
    for name in ("total", "mse", "penalty", "x_hat"):
        torch.testing.assert_close(getattr(after, name), getattr(before, name))
    torch.testing.assert_close(after.codes.dense() * factors, before.codes.dense())


def test_neither_steps_nor_projection_touch_the_decoder_s_norms() -> None:
    sae, x = started()
    loss = sae.loss(x, NONE_DEAD, progress=0.5)
    loss.total.backward()
    weight, gradient = sae.W_dec.detach().clone(), sae.W_dec.grad.clone()  # type: ignore[union-attr]
    sae.project_gradients_()
    sae.after_step_(loss.codes)
    assert torch.equal(sae.W_dec, weight)
    assert torch.equal(sae.W_dec.grad, gradient)  # type: ignore[arg-type]


def test_training_starts_at_the_update_s_initial_weights() -> None:
    sae, x = started(initial_norm=0.3)
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.full((12,), 0.3))
    assert torch.equal(sae.W_enc, sae.W_dec.mT)
    assert not sae.b_enc.any()
    assert not sae.b_dec.any()
    scaled = x / sae.unit()
    torch.testing.assert_close(scaled.norm(dim=1).mean(), torch.tensor(6**0.5))


def test_the_encoder_sees_inputs_without_a_bias_taken_from_them() -> None:
    sae, x = started()
    with torch.no_grad():
        sae.b_dec += 7
    assert torch.equal(sae.encode(x), (x @ sae.W_enc).relu())
    torch.testing.assert_close(sae(x), sae.encode(x) @ sae.W_dec + 7 * sae.unit())


@pytest.mark.parametrize(
    ("field", "value"), [("l1_coefficient", -1.0), ("penalty_warm_up", 1.5), ("initial_norm", 0.0)]
)
def test_numbers_out_of_range_are_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field}={value}"):
        row("l1_april", **{field: value})
