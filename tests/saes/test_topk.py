"""Selection input by input."""

import pytest
import torch
from tests.saes.rows import row

from superposition.saes import base


def started(k: int = 3) -> tuple[base.SAE, torch.Tensor]:
    x = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    sae = base.build(row("topk", k=k), d_in=6)
    sae.initialise_(x)
    return sae, x


def test_every_input_has_its_k_largest_latents_in_training_and_afterwards() -> None:
    sae, x = started()
    codes = sae.loss(x, torch.zeros(12, dtype=torch.bool), progress=0.5).codes.dense()
    for ours, pre_acts in zip(codes, sae.pre_acts(x).values, strict=True):
        assert ours[ours > 0].sort().values.tolist() == pre_acts.sort().values[-3:].tolist()
    torch.testing.assert_close(sae.encode(x), codes)


def test_an_input_with_fewer_positive_latents_has_fewer_active_ones() -> None:
    sae, x = started(k=12)
    torch.testing.assert_close(sae.encode(x), sae.pre_acts(x).values.relu())


def test_the_code_of_an_input_does_not_depend_on_the_others() -> None:
    sae, x = started()
    torch.testing.assert_close(sae.encode(x)[:5], sae.encode(x[:5]))


def test_counts_that_no_dictionary_has_are_refused() -> None:
    with pytest.raises(ValueError, match="k=13 exceeds d_sae=12"):
        row("topk", k=13)
    with pytest.raises(ValueError, match="k_aux=0 is below 1"):
        row("topk", k_aux=0)
