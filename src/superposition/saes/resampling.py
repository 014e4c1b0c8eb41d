"""Resampling: dead latents get new directions, and the optimiser forgets what they were."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from superposition.saes.base import SAE


def draw_inputs(
    losses: Float[Tensor, " batch"], n: int, *, generator: Generator
) -> Int[Tensor, " n"]:
    """Indices of n inputs, each drawn with probability proportional to its squared loss.

    Source: Towards Monosemanticity, appendix, Neuron Resampling.
    """
    weights = losses.double().cpu().square()
    if not bool(weights.any()):
        weights = torch.ones_like(weights)
    return torch.multinomial(weights, n, replacement=True, generator=generator)


def random_directions(
    dead: Bool[Tensor, "*instance d_sae"], d_in: int, *, generator: Generator
) -> Float[Tensor, "dead d_in"]:
    """A normally distributed vector for each dead latent. Source: ARENA 1.6, simple resampling."""
    return torch.randn(int(dead.sum()), d_in, generator=generator)


def loss_directions(
    sae: SAE,
    dead: Bool[Tensor, "*instance d_sae"],
    x: Float[Tensor, "*instance batch d_in"],
    losses: Float[Tensor, "*instance batch"],
    *,
    generator: Generator,
) -> Float[Tensor, "dead d_in"]:
    """An input of high loss, minus the decoder's bias, for each dead latent, instance by instance.

    Source: Towards Monosemanticity, appendix, Neuron Resampling.
    Differs: the paper says "input vector"; b_dec is subtracted, because the encoder sees x - b_dec:
    so the new latent is sure to fire on its input, and explains what b_dec leaves.
    """
    centred = x.to(sae.b_dec.dtype) - sae.decoder_bias().unsqueeze(-2)
    pairs = _by_instance(sae, dead, centred, losses)
    drawn = [
        inputs[draw_inputs(loss, int(which.sum()), generator=generator).to(inputs.device)]
        for which, inputs, loss in pairs
        if bool(which.any())
    ]
    return torch.cat(drawn)


@torch.no_grad()
def resample_(
    sae: SAE,
    dead: Bool[Tensor, "*instance d_sae"],
    directions: Float[Tensor, "dead d_in"],
    *,
    encoder_scale: float,
) -> None:
    """Point dead latents, in the order of the `dead` mask, along `directions`.

    The decoder row is the unit direction; the encoder vector the same with `encoder_scale` times
    the mean norm of the instance's alive encoder vectors (of all, if none is alive); b_enc is 0.
    Source: Towards Monosemanticity, appendix, Neuron Resampling.
    """
    unit = torch.nn.functional.normalize(directions.to(sae.W_dec), dim=-1)
    counts = dead.reshape(-1, dead.shape[-1]).sum(-1).tolist()
    slots = _by_instance(sae, dead, sae.W_enc.data.mT, sae.b_enc.data, sae.W_dec.data)
    for new, (which, encoder, bias, decoder) in zip(unit.split(counts), slots, strict=True):
        alive = encoder if bool(which.all()) else encoder[~which]
        decoder[which] = new
        encoder[which] = encoder_scale * alive.norm(dim=-1).mean() * new
        bias[which] = 0.0


@torch.no_grad()
def reinitialise_(sae: SAE, dead: Bool[Tensor, "*instance d_sae"], *, generator: Generator) -> None:
    """Draw dead latents anew: Kaiming uniform encoder vectors, unit decoder rows, b_enc = 0.

    Source: Towards Monosemanticity, appendix, Neuron Resampling: the alternative that it names.
    """
    n_dead, bound = int(dead.sum()), (6 / sae.d_in) ** 0.5
    encoder, decoder = (2 * torch.rand(2, n_dead, sae.d_in, generator=generator) - 1).to(sae.W_dec)
    sae.W_enc.data.mT[dead] = bound * encoder
    sae.W_dec.data[dead] = torch.nn.functional.normalize(decoder, dim=-1)
    sae.b_enc.data[dead] = 0.0


@torch.no_grad()
def forget_moments_(
    optimizer: torch.optim.Optimizer, sae: SAE, dead: Bool[Tensor, "*instance d_sae"]
) -> None:
    """Set Adam's moments of the dead latents' weights and biases to zero, and no others.

    Source: Towards Monosemanticity, appendix, Neuron Resampling.
    """
    for weight in (sae.W_enc, sae.b_enc, sae.W_dec):
        for moment in ("exp_avg", "exp_avg_sq"):
            if moment in optimizer.state[weight]:  # not in tied weights' second half
                by_latent = optimizer.state[weight][moment]
                (by_latent.mT if weight is sae.W_enc else by_latent)[dead] = 0.0


def _by_instance(sae: SAE, *tensors: Tensor) -> list[tuple[Tensor, ...]]:
    """The tensors of each instance, as views; of the only one, if there is no instance axis."""
    return [tensors] if sae.n_instances is None else list(zip(*tensors, strict=True))
