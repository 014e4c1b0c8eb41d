"""Prefixes of the dictionary against dictionaries of their own."""

import pytest
import torch
from tests.saes.rows import row

from superposition.saes import base
from superposition.saes.matryoshka import SAE

NONE_DEAD = torch.zeros(12, dtype=torch.bool)


def started(**fields: object) -> tuple[SAE, torch.Tensor]:
    x = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    sae = base.build(row("matryoshka", **fields), d_in=6)
    assert isinstance(sae, SAE)
    sae.initialise_(x)
    return sae, x


def test_each_prefix_reconstructs_with_its_latents_alone() -> None:
    sae, x = started()
    loss = sae.loss(x, NONE_DEAD, progress=0.5)
    acts, x_hats = loss.codes.dense(), list(sae.prefix_reconstructions(loss.codes))
    assert len(x_hats) == 3
    losses = []
    for m, x_hat in zip((3, 6, 12), x_hats, strict=True):
        by_hand = sae.b_dec.repeat(40, 1)
        for latent in range(m):
            by_hand = by_hand + acts[:, [latent]] * sae.W_dec[latent]
        torch.testing.assert_close(x_hat, by_hand)
        losses.append((by_hand - x).square().mean())
    torch.testing.assert_close(loss.total, torch.stack(losses).mean())
    torch.testing.assert_close(loss.mse, losses[-1])
    torch.testing.assert_close(loss.x_hat, x_hats[-1])


def test_with_the_whole_dictionary_as_its_only_prefix_it_is_batch_topk() -> None:
    sae, x = started(prefixes=[1.0])
    other = base.build(row("batch_topk"), d_in=6)
    other.load_state_dict(sae.state_dict())
    dead = torch.arange(12) < 4
    ours, theirs = (each.loss(x, dead, progress=0.5) for each in (sae, other))
    torch.testing.assert_close(ours.total, theirs.total)
    torch.testing.assert_close(ours.x_hat, theirs.x_hat)


def test_the_first_group_counts_in_every_prefix_and_the_last_in_one() -> None:
    """The same latent, moved from the last group to the first, changes all three errors."""
    sae, x = started()
    with torch.no_grad():
        sae.b_enc.fill_(-100)
        sae.b_enc[[0, 11]] = 0.0
    errors = [(x_hat - x).square().mean() for x_hat in sae.prefix_reconstructions(sae.codes(x))]
    first, last = torch.autograd.grad(torch.stack(errors).sum(), sae.W_dec)[0][[0, 11]]
    only_last = torch.autograd.grad(sae.loss(x, NONE_DEAD, progress=0.5).mse, sae.W_dec)[0][11]
    torch.testing.assert_close(last, only_last)
    assert first.norm() > 0


@pytest.mark.parametrize(
    ("prefixes", "match"),
    [
        ([], "do not end with 1"),
        ([0.5], "do not end with 1"),
        ([0.5, 0.25, 1.0], "do not all grow"),
        ([0.01, 1.0], "do not all grow"),
        ([0.5, 0.51, 1.0], "do not all grow"),
    ],
)
def test_prefixes_without_latents_of_their_own_are_refused(
    prefixes: list[float], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        row("matryoshka", prefixes=prefixes)


def test_groups_make_up_the_dictionary_whatever_its_width() -> None:
    shares = [1 / 32, 3 / 32, 7 / 32, 15 / 32, 1.0]
    for d_sae, sizes in {4096: [128, 256, 512, 1024, 2176], 100: [3, 6, 13, 25, 53]}.items():
        config = row("matryoshka", d_sae=d_sae, prefixes=shares)
        assert config.group_sizes() == sizes  # type: ignore[attr-defined]
        assert sum(sizes) == d_sae
