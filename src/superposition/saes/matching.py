"""Which latents are features: one to one by cosine, and input by input; and what the others are."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from einops import einsum
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn.functional import normalize

from superposition.saes.base import SAE
from superposition.saes.recovery import RECOVERED
from superposition.saes.toy_world import Sample, ToyWorld

UNMATCHED = -1
"""In place of a latent, for a feature that no active latent is left for."""
KINDS = ("feature", "duplicate", "mixed", "other", "dead")
"""What a latent can be; see `kinds`."""


class Judgement(NamedTuple):
    """What autoencoders learned of a toy world: three tables of schema.yaml, toy_comparison/."""

    features: pd.DataFrame
    """One row per instance and represented feature."""
    latents: pd.DataFrame
    """One row per instance and latent."""
    instances: pd.DataFrame
    """One row per instance."""


@torch.no_grad()
def judge(sae: SAE, world: ToyWorld, sample: Sample) -> Judgement:
    """Features, latents and instances of `sae`, judged on `sample`."""
    acts = sae.encode(sample.h)
    cosines = normalize(world.W, dim=-1) @ normalize(sae.W_dec, dim=-1).mT
    density = (acts > 0).double().mean(-2)
    match = matched(cosines, world.represented, density > 0)
    features = _features(world, sample, acts, match, cosines)
    found = kinds(cosines, world, match, density > 0)
    latents = _latents(sae, density, cosines, found)
    instances = _instances(sae, world, sample, acts, features, latents)
    return Judgement(features, latents, instances)


def matched(
    cosines: Float[Tensor, "instance feature latent"],
    represented: Bool[Tensor, "instance feature"],
    alive: Bool[Tensor, "instance latent"],
) -> Int[Tensor, "instance feature"]:
    """For each represented feature the latent that is its own, or -1.

    The assignment of active latents to features, one to one, with the largest sum of cosines.
    """
    match = torch.full(cosines.shape[:2], UNMATCHED)
    for instance, table in enumerate(cosines.double().cpu()):
        rows = represented[instance].nonzero().squeeze(1).cpu()
        columns = alive[instance].nonzero().squeeze(1).cpu()
        picked = linear_sum_assignment(table[rows][:, columns].numpy(), maximize=True)
        row, column = (torch.as_tensor(each) for each in picked)
        match[instance, rows[row]] = columns[column]
    return match


def kinds(
    cosines: Float[Tensor, "instance feature latent"],
    world: ToyWorld,
    match: Int[Tensor, "instance feature"],
    alive: Bool[Tensor, "instance latent"],
) -> list[str]:
    """What each latent is, instance by instance: a word of KINDS.

    A feature: cosine above 0.95 with the feature it is matched to. A duplicate: with another one.
    Mixed: with none, but with a sum of two, weighted as fits best with both weights positive.
    """
    own = torch.full(alive.shape, -1.0, device=cosines.device)
    for instance, latents in enumerate(match):
        feature = (latents >= 0).nonzero().squeeze(1)
        own[instance, latents[feature]] = cosines[instance, feature, latents[feature]].float()
    usable = cosines.masked_fill(~world.represented.unsqueeze(-1), -1.0)
    pairs = torch.stack([_best_pair(*each) for each in zip(usable, world.W, strict=True)])
    names = np.full(tuple(alive.shape), "other", dtype=object)
    names[(pairs > RECOVERED).cpu().numpy()] = "mixed"
    names[(usable.amax(1) > RECOVERED).cpu().numpy()] = "duplicate"
    names[(own > RECOVERED).cpu().numpy()] = "feature"
    names[~alive.cpu().numpy()] = "dead"
    return names.ravel().tolist()


def _best_pair(
    cosines: Float[Tensor, "feature latent"], W: Float[Tensor, "feature d_hidden"]
) -> Float[Tensor, " latent"]:
    """The largest cosine of each latent with a positive combination of two features."""
    unit = normalize(W, dim=-1)
    first, second = torch.triu_indices(len(W), len(W), offset=1, device=W.device)
    between = (unit @ unit.mT)[first, second].unsqueeze(-1)
    a, b = cosines[first], cosines[second]
    within = (a.square() + b.square() - 2 * between * a * b) / (1 - between.square()).clamp(1e-6)
    positive = (a > between * b) & (b > between * a)
    return within.clamp(min=0).sqrt().masked_fill(~positive, 0.0).amax(0)


def _features(
    world: ToyWorld,
    sample: Sample,
    acts: Float[Tensor, "instance batch latent"],
    match: Int[Tensor, "instance feature"],
    cosines: Float[Tensor, "instance feature latent"],
) -> pd.DataFrame:
    """Each represented feature and the latent that is its own, or zeros if there is none."""
    latent = match.clamp(min=0).to(acts.device)
    has = (match >= 0).to(acts.device)
    z = acts.gather(-1, latent.unsqueeze(-2).expand(-1, acts.shape[-2], -1))
    present, fires = (sample.x > 0).double(), (z > 0).double() * has.unsqueeze(-2)
    both = (present * fires).mean(-2)
    cosine = cosines.gather(-1, latent.unsqueeze(-1)).squeeze(-1).double() * has
    columns = {
        "latent": match,
        "cosine": cosine,
        "density": fires.mean(-2),
        "frequency": present.mean(-2),
        "precision": _ratio(both, fires.mean(-2)),
        "recall": _ratio(both, present.mean(-2)),
        "correlation": _correlation(sample.x.double(), z.double()) * has,
        "recovered": cosine > RECOVERED,
    }
    table = _long(columns, ("instance", "feature"))
    return table.loc[world.represented.flatten().cpu().numpy()].reset_index(drop=True)


def _latents(
    sae: SAE,
    density: Float[Tensor, "instance latent"],
    cosines: Float[Tensor, "instance feature latent"],
    found: list[str],
) -> pd.DataFrame:
    """Each latent: what it is, and how its encoder vector stands to those of others."""
    decoder, encoder = normalize(sae.W_dec, dim=-1), normalize(sae.W_enc.mT, dim=-1)
    decoded, encoded = decoder @ decoder.mT, encoder @ encoder.mT
    itself = torch.eye(decoder.shape[1], dtype=torch.bool, device=decoder.device)
    dead = density == 0
    apart = decoded.masked_fill(itself | dead.unsqueeze(-2) | dead.unsqueeze(-1), -1.0)
    near = apart.max(-1)
    columns = {
        "density": density,
        "cosine": cosines.amax(1),
        "encoder_decoder_cosine": (encoder * decoder).sum(-1),
        "neighbour": near.indices,
        "neighbour_cosine": near.values,
        "neighbour_encoder_cosine": encoded.gather(-1, near.indices.unsqueeze(-1)).squeeze(-1),
        **_in_plane("", decoder),
        **_in_plane("encoder_", encoder),
    }
    table = _long(columns, ("instance", "latent"))
    table.insert(2, "kind", found)
    return table


def _instances(
    sae: SAE,
    world: ToyWorld,
    sample: Sample,
    acts: Float[Tensor, "instance batch latent"],
    features: pd.DataFrame,
    latents: pd.DataFrame,
) -> pd.DataFrame:
    """Each autoencoder as a whole."""
    error = (sae.decode(acts) - sample.h).square().mean((-1, -2)).double()
    spread = (sample.h - sample.h.mean(-2, keepdim=True)).square().mean((-1, -2)).double()
    columns = {
        "l0": (acts > 0).double().sum(-1).mean(-1),
        "true_l0": world.l0,
        "loss": sae.input_losses(sample.h).double().mean(-1),
        "mse": error,
        "explained_variance": 1 - error / spread,
        "bias_norm": sae.b_dec.norm(dim=-1),
        "bias_distance": (sae.b_dec - world.centre.to(sae.b_dec)).norm(dim=-1),
    }
    table = _long(columns, ("instance",))
    n = len(table)
    of_features = features["instance"].to_numpy()
    measured = {
        name: [_mean(features[name].to_numpy(dtype=float)[of_features == i]) for i in range(n)]
        for name in ("cosine", "recovered", "precision", "recall", "correlation")
    }
    by_instance = latents["kind"].to_numpy().reshape(n, -1)
    counts = {kind: (by_instance == kind).sum(axis=1) for kind in KINDS}
    alive = by_instance.shape[1] - counts["dead"]
    return table.assign(
        n_features=world.represented.sum(-1).cpu().numpy(),
        recovered=counts["feature"],
        matched_cosine=measured["cosine"],
        precision=counts["feature"] / np.maximum(alive, 1),
        recall=measured["recovered"],
        activation_precision=measured["precision"],
        activation_recall=measured["recall"],
        correlation=measured["correlation"],
        **{kind: counts[kind] for kind in KINDS[1:]},
    )


def _mean(values: np.ndarray) -> float:
    """The mean, and 0 of nothing."""
    return float(values.mean()) if len(values) else 0.0


def _in_plane(prefix: str, vectors: Float[Tensor, "instance latent d_hidden"]) -> dict[str, Tensor]:
    """The coordinates of vectors in the plane; NaN in more dimensions."""
    shown = vectors if vectors.shape[-1] == 2 else torch.full_like(vectors, torch.nan)
    return {f"{prefix}x": shown[..., 0], f"{prefix}y": shown[..., 1]}


def _correlation(
    x: Float[Tensor, "instance batch feature"], z: Float[Tensor, "instance batch feature"]
) -> Float[Tensor, "instance feature"]:
    """Pearson's correlation over the batch; 0 where either is constant."""
    x, z = x - x.mean(-2, keepdim=True), z - z.mean(-2, keepdim=True)
    product = einsum(x, z, "instance batch feature, instance batch feature -> instance feature")
    return _ratio(product, x.norm(dim=-2) * z.norm(dim=-2))


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    """part / whole, and 0 where there is no whole."""
    return torch.where(whole > 0, part / whole.clamp(min=1e-12), torch.zeros_like(part))


def _long(columns: dict[str, Tensor], axes: tuple[str, ...]) -> pd.DataFrame:
    """A table with a row for each element of the tensors, their axes first."""
    shape = next(iter(columns.values())).shape
    keys = dict(zip(axes, np.indices(tuple(shape)).reshape(len(axes), -1), strict=True))
    values = {name: column.detach().cpu().flatten().numpy() for name, column in columns.items()}
    return pd.DataFrame(keys | values)
