"""Metrics of the same name, here and at the peers, on the same tensors."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Generator, Tensor

from superposition.benchmarks.client import Process
from superposition.saes import metrics

Numbers = dict[str, float]


class Situation(NamedTuple):
    """What an evaluation sees, batch by batch."""

    x: Float[Tensor, "batch seq d_in"]
    x_hat: Float[Tensor, "batch seq d_in"]
    acts: Float[Tensor, "batch seq d_sae"]
    clean: Float[Tensor, "batch seq"]
    """Loss of every token as it is, in nats; then with the reconstruction, then ablated."""
    sae: Float[Tensor, "batch seq"]
    ablated: Float[Tensor, "batch seq"]


def situation(*, n_batches: int = 2, scale: float = 1.0, offset: float = 0.0) -> Situation:
    """Made-up activations whose reconstruction is off by noise, and by `offset` everywhere.

    `scale` multiplies x and x_hat alike, which should change no share of anything. Batches differ
    in how much the ablation costs, as pieces of text do.
    """
    generator = Generator().manual_seed(0)
    shape = (n_batches, 256, 16)
    x = torch.randn(shape, generator=generator) * torch.linspace(0.5, 2.0, 16) + 0.7
    x_hat = x + 0.3 * torch.randn(shape, generator=generator) + offset
    acts = torch.randn(n_batches, 256, 40, generator=generator).sub(1.0).relu()
    acts[..., -1] = 0.0
    clean = 3.0 + 0.1 * torch.rand(shape[:2], generator=generator)
    harder = torch.linspace(1.0, 4.0, n_batches).unsqueeze(1)
    sae = clean + 0.2 + 0.1 * torch.rand(shape[:2], generator=generator)
    return Situation(scale * x, scale * x_hat, acts, clean, sae, clean + harder)


def ours(given: Situation) -> dict[str, Any]:
    """Our metrics of it, by the functions that the report's numbers come from."""
    losses = {name: float(getattr(given, name).mean()) for name in ("clean", "sae", "ablated")}
    density = metrics.feature_density(given.acts)
    return {
        "l0": float(metrics.l0(given.acts)),
        "mse": float(metrics.mse(given.x, given.x_hat)),
        "explained_variance": float(metrics.explained_variance(given.x, given.x_hat)),
        "feature_density": density.tolist(),
        "alive_fraction": 1 - float(metrics.dead_fraction(density)),
        "loss_recovered": metrics.loss_recovered(**losses),
    }


def theirs(process: Process, given: Situation) -> dict[str, dict[str, Any]]:
    """The peers' metrics of it, by peer, from a process with their packages."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tensors.safetensors"
        save_file({name: each.contiguous() for name, each in given._asdict().items()}, path)
        return process.ask("metrics", tensors=str(path))


CONDITIONS: dict[str, dict[str, Any]] = {
    "one batch": {"n_batches": 1},
    "two batches": {},
    "x and x̂ four times as large": {"scale": 4.0},
    "x̂ off by a constant": {"offset": 0.5},
}
"""Situations whose explained variance and loss recovered the report compares."""


def comparison(process: Process) -> list[dict[str, Any]]:
    """A row for each condition and metric: ours, and what every peer makes of the same numbers."""
    rows = []
    for condition, changes in CONDITIONS.items():
        given = situation(**changes)
        everyone = {"ours": ours(given)} | theirs(process, given)
        for metric in ("explained_variance", "explained_variance_legacy", "loss_recovered"):
            known = {who: each[metric] for who, each in everyone.items() if metric in each}
            rows.append({"condition": condition, "metric": metric} | known)
    return rows
