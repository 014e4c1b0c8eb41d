"""Toy autoencoders and the truth: hidden states of a toy model, and which features were found."""

from collections.abc import Iterator

import pandas as pd
import torch
from einops import einsum
from jaxtyping import Float
from torch import Generator, Tensor

from superposition.saes.base import SAE
from superposition.saes.training import Source

UNSEEN = 65_536
"""Hidden states per instance on which latents are judged: at p = 0.01, 650 of each feature."""
RECOVERED = 0.95
"""Cosine with a feature's direction above which an active latent has found it."""


def hidden_states(
    W: Float[Tensor, "instance feature d_hidden"],
    *,
    feature_probability: float,
    batch_size: int,
    generator: Generator,
) -> Float[Tensor, "instance batch d_hidden"]:
    """h = sum_i x_i W_i, where x_i = 0 with probability 1 - p and otherwise is uniform in (0, 1).

    x = max(0, 1 - u/p) for a uniform u: it is positive with probability p, and then uniform.
    Source: Toy Models of Superposition, Experiment Setup; ARENA 1.6.
    """
    u = torch.rand(W.shape[0], batch_size, W.shape[1], generator=generator, dtype=W.dtype)
    x = (1 - u / feature_probability).relu()
    return x.to(W.device) @ W


def toy_source(
    W: Float[Tensor, "instance feature d_hidden"],
    *,
    feature_probability: float,
    batch_size: int,
    seed: int,
) -> Source:
    """Hidden states without end, each batch a function of `seed` and of its number."""

    def batches(first: int) -> Iterator[Float[Tensor, "instance batch d_hidden"]]:
        generator, number = Generator(), first
        while True:
            generator.manual_seed(hash((seed, number)))
            yield hidden_states(
                W,
                feature_probability=feature_probability,
                batch_size=batch_size,
                generator=generator,
            )
            number += 1

    return batches


def unseen(
    W: Float[Tensor, "instance feature d_hidden"], *, feature_probability: float, seed: int
) -> Float[Tensor, "instance batch d_hidden"]:
    """Hidden states to judge an autoencoder by, from another stream than those of `toy_source`."""
    return hidden_states(
        W,
        feature_probability=feature_probability,
        batch_size=UNSEEN,
        generator=Generator().manual_seed(hash((seed, -1, UNSEEN))),
    )


def only_density(instances: pd.DataFrame) -> float:
    """The feature probability that all models of a toy row share; see toy/instances.parquet."""
    densities = sorted(set(instances["feature_probability"]))
    if len(densities) != 1:
        raise ValueError(
            f"the toy row has feature_probabilities={densities}; an autoencoder needs exactly one"
        )
    return densities[0]


@torch.no_grad()
def recovery(
    sae: SAE,
    W: Float[Tensor, "instance feature d_hidden"],
    x: Float[Tensor, "instance batch d_hidden"],
    *,
    seed: int,
) -> pd.DataFrame:
    """For every feature the latent that matches it best: schema.yaml, toy_sae/recovery.parquet.

    Cosine between decoder row and W_i; density as share of the inputs x; a feature is recovered if
    the cosine exceeds 0.95 and the latent is active on any input. Latents may serve two features.
    """
    W, x = W.to(sae.W_dec.device), x.to(sae.W_dec.device)
    directions = torch.nn.functional.normalize(W, dim=-1)
    rows = torch.nn.functional.normalize(sae.W_dec, dim=-1)
    cosines = einsum(
        directions, rows, "instance feature d_in, instance latent d_in -> instance feature latent"
    )
    best = cosines.max(-1)
    density = (sae.encode(x) > 0).double().mean(-2).gather(-1, best.indices)
    instance, feature = torch.meshgrid(*map(torch.arange, best.values.shape), indexing="ij")
    frame = pd.DataFrame(
        {
            "instance": instance.flatten().numpy(),
            "seed": seed,
            "feature": feature.flatten().numpy(),
            "latent": best.indices.flatten().cpu().numpy(),
            "cosine": best.values.flatten().cpu().double().numpy(),
            "density": density.flatten().cpu().numpy(),
        }
    )
    return frame.assign(recovered=(frame.cosine > RECOVERED) & (frame.density > 0))


def summary(found: pd.DataFrame) -> dict[str, int | float]:
    """The numbers of toy_sae/metrics.json: features recovered, over instances."""
    recovered = found.pivot(index="instance", columns="feature", values="recovered").to_numpy(bool)
    used = found.loc[found["density"] > 0, ["instance", "latent"]].drop_duplicates()
    return {
        "n_instances": len(recovered),
        "instances_complete": int(recovered.all(1).sum()),
        "mean_recovered": float(recovered.sum(1).mean()),
        "mean_best_cosine": float(found["cosine"].to_numpy().mean()),
        "mean_distinct_latents": len(used) / len(recovered),
    }
