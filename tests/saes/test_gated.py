"""Gate and magnitude apart: which term of the loss reaches which."""

import pytest
import torch
from tests.saes.rows import row

from superposition.saes import base
from superposition.saes.gated import SAE


def by_hand() -> SAE:
    """One input axis, two latents along it: gates open above 1 and above 3, values 2x and 2x - 2.

    The decoder's rows are both 1, its bias is 0, and the unit of inputs is 1.
    """
    sae = base.build(row("gated", d_sae=2, l1_coefficient=0.5), d_in=1)
    assert isinstance(sae, SAE)
    with torch.no_grad():
        sae.W_enc.fill_(1.0)
        sae.W_dec.fill_(1.0)
        sae.b_enc.copy_(torch.tensor([-1.0, -3.0]))
        sae.r_mag.fill_(2.0).log_()
        sae.b_mag.copy_(torch.tensor([0.0, -2.0]))
    return sae


def test_a_latent_is_active_where_its_gate_is_open_with_the_other_path_s_value() -> None:
    x = torch.tensor([[0.5], [2.0], [4.0]])
    assert by_hand().encode(x).tolist() == [[0.0, 0.0], [4.0, 0.0], [8.0, 6.0]]


def test_an_open_gate_with_a_negative_magnitude_is_not_active() -> None:
    sae = by_hand()
    with torch.no_grad():
        sae.b_mag[0] = -5.0
    codes = sae.loss(torch.tensor([[2.0]]), torch.zeros(2, dtype=torch.bool), progress=0.5).codes
    assert float(codes.l0()) == 0.0
    assert not codes.fired().any()


def test_the_penalty_is_on_the_gate_and_its_own_reconstruction() -> None:
    """x = 4: gates 3 and 1, whose sum the gate reconstructs; magnitudes 8 and 6."""
    loss = by_hand().loss(torch.tensor([[4.0]]), torch.zeros(2, dtype=torch.bool), progress=0.5)
    assert loss.mse.item() == (14 - 4) ** 2
    assert loss.penalty.item() == 0.5 * (3 + 1) + (4 - 4) ** 2
    assert loss.total.item() == 100 + 2


def perturbed() -> tuple[SAE, torch.Tensor]:
    x = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    sae = base.build(row("gated"), d_in=6)
    assert isinstance(sae, SAE)
    sae.initialise_(x)
    with torch.no_grad():
        sae.b_mag += 0.1
        sae.b_enc -= 0.1
    return sae, x


def test_the_gate_s_reconstruction_gives_the_decoder_and_magnitudes_no_gradient() -> None:
    sae, x = perturbed()
    loss = sae.loss(x, torch.zeros(12, dtype=torch.bool), progress=0.5)
    names, parameters = zip(*sae.named_parameters(), strict=True)
    gradients = torch.autograd.grad(loss.penalty, parameters, materialize_grads=True)
    reached = {name for name, each in zip(names, gradients, strict=True) if each.any()}
    assert reached == {"W_enc", "b_enc", "b_dec"}


def test_the_first_term_gives_the_gate_s_bias_no_gradient() -> None:
    sae, x = perturbed()
    loss = sae.loss(x, torch.zeros(12, dtype=torch.bool), progress=0.5)
    gradients = torch.autograd.grad(loss.mse, [sae.b_enc, sae.b_mag, sae.r_mag, sae.W_dec])
    torch.testing.assert_close(gradients[0], torch.zeros(12), rtol=0, atol=1e-6)
    assert all(each.any() for each in gradients[1:])


def test_both_paths_are_alike_at_the_start() -> None:
    x = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    sae = base.build(row("gated"), d_in=6)
    sae.initialise_(x)
    torch.testing.assert_close(sae.encode(x), sae.pre_acts(x).values.relu())


@pytest.mark.parametrize(("field", "value"), [("l1_coefficient", -1.0), ("penalty_warm_up", -0.1)])
def test_numbers_out_of_range_are_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field}={value}"):
        row("gated", **{field: value})
