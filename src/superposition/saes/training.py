"""One training loop for every autoencoder, on toy models and on language alike."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from superposition.core.compute import Checkpoint, NoCheckpoint, progress
from superposition.saes import metrics, resampling
from superposition.saes.base import SAE, Loss, SaeConfig, build

INITIAL_BATCHES = 8
"""Batches whose geometric median is the decoder's first bias: 32,768 inputs at a batch of 4,096, as
in the published code of Scaling and Evaluating Sparse Autoencoders (Gao et al. 2024)."""
CHECKPOINT_SECONDS = 60.0
"""Time between two checkpoints: what a killed run loses at most."""

Source = Callable[[int], Iterator[Tensor]]
"""The batches "*instance batch d_in" from a batch number on; a number always gives the same one."""
Row = dict[str, int | float]
"""One row of the history."""


class FittedSae(NamedTuple):
    """A trained autoencoder."""

    sae: SAE
    """Its weights."""
    history: pd.DataFrame
    """How training went: schema.yaml, sae/history.csv or, with instances, toy_sae/history."""


@dataclass
class Run:
    """The state of a training run: everything that its next step depends on."""

    sae: SAE
    """The autoencoder."""
    optimizer: torch.optim.Optimizer
    """Adam, with its moments."""
    idle: Int[Tensor, "*instance d_sae"]
    """Steps since each latent fired."""
    generator: Generator
    """For resampling."""
    resampled: Int[Tensor, "*instance"]
    """Latents resampled since the last row of the history."""
    rows: list[Row]
    """The history so far."""
    step: int = 0
    """Steps made."""

    def dead(self) -> Bool[Tensor, "*instance d_sae"]:
        """The latents that have not fired in the dead window."""
        return self.idle >= self.sae.config.training.dead_window

    def state(self) -> dict[str, Any]:
        """All of it, for a checkpoint."""
        return {
            "sae": self.sae.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "idle": self.idle,
            "generator": self.generator.get_state(),
            "resampled": self.resampled,
            "rows": self.rows,
            "step": self.step,
        }

    def restore_(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint's state."""
        self.sae.load_state_dict(state["sae"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"].cpu())
        self.idle, self.resampled = state["idle"], state["resampled"]
        self.rows, self.step = state["rows"], state["step"]


def fit(
    config: SaeConfig,
    source: Source,
    *,
    device: torch.device,
    checkpoint: Checkpoint | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    label: str = "autoencoder",
) -> FittedSae:
    """The autoencoder that `config` describes, trained on `source`.

    The first batch says whether there is an instance axis and how large d_in is. A run continued
    from its checkpoint ends with the same weights, bit for bit, as one that was not interrupted.
    """
    checkpoint = checkpoint or NoCheckpoint()
    run = start(config, source, device)
    if (state := checkpoint.load()) is not None:
        run.restore_(state)
    n_steps, saved = config.training.n_steps, time.monotonic()
    left = n_steps - run.step
    with _threads(run.sae):
        for x in progress(islice(source(run.step), left), label, total=left):
            advance_(run, x.to(device), source)
            if time.monotonic() - saved > checkpoint_seconds:
                checkpoint.save(run.state())
                saved = time.monotonic()
    if run.step < n_steps:
        raise ValueError(f"the activations end after {run.step} batches; n_steps={n_steps}")
    table = language_history if run.sae.n_instances is None else toy_history
    return FittedSae(run.sae, table(run.rows))


def start(config: SaeConfig, source: Source, device: torch.device) -> Run:
    """A run before its first step: initial weights on `device`, empty moments."""
    training = config.training
    sample = torch.cat(list(islice(source(0), INITIAL_BATCHES)), dim=-2)
    n_instances = sample.shape[0] if sample.ndim == 3 else None
    sae = build(config, d_in=sample.shape[-1], n_instances=n_instances)
    sae.initialise_(sample)
    sae.to(device)
    return Run(
        sae=sae,
        optimizer=torch.optim.Adam(
            sae.parameters(), lr=peak_lr(config), betas=(0.9, training.beta2), fused=True
        ),
        idle=torch.zeros(sae.b_enc.shape, dtype=torch.int64, device=device),
        generator=sae.generator(),
        resampled=torch.zeros(sae.b_enc.shape[:-1], dtype=torch.int64, device=device),
        rows=[],
    )


def advance_(run: Run, x: Float[Tensor, "*instance batch d_in"], source: Source) -> None:
    """Make one step on `x`, with what belongs to it: constraints, resampling, history."""
    config, lr = run.sae.config, learning_rate(run.sae.config, run.step)
    loss = _minimise_(run, x, lr)
    run.idle.add_(1).masked_fill_(loss.codes.fired(), 0)
    run.step += 1
    is_resampled = run.step in resampling_steps(config)
    if is_resampled:
        _resample_(run, source)
    is_last = run.step == config.training.n_steps
    if is_resampled or is_last or run.step % config.training.log_every == 0:
        run.rows += _rows(run, x, loss, lr)
        run.resampled.zero_()


def peak_lr(config: SaeConfig) -> float:
    """The row's learning rate, or the one for its width if the row leaves it open."""
    lr = config.training.lr
    return 2e-4 * (config.d_sae / 2**14) ** -0.5 if lr is None else lr


def learning_rate(config: SaeConfig, step: int) -> float:
    """The learning rate of `step`: a linear rise, the peak, a linear fall to 0."""
    training = config.training
    rise, fall = training.warm_up * training.n_steps, training.decay * training.n_steps
    up = (step + 1) / rise if step + 1 < rise else 1.0
    left = training.n_steps - step
    down = left / fall if left < fall else 1.0
    return peak_lr(config) * up * down


def resampling_steps(config: SaeConfig) -> set[int]:
    """After how many steps dead latents are resampled."""
    if config.resampling is None:
        return set()
    return {round(share * config.training.n_steps) for share in config.resampling.at}


@torch.no_grad()
def clip_gradients_(sae: SAE, largest: float) -> None:
    """Scale each instance's gradient so that its norm is at most `largest`."""
    gradients = [each.grad for each in sae.parameters() if each.grad is not None]
    lead = 0 if sae.n_instances is None else 1
    squares = [each.square().sum(dim=tuple(range(lead, each.ndim))) for each in gradients]
    norm = torch.stack(squares).sum(0).sqrt()
    scale = (largest / norm.clamp(min=1e-12)).clamp(max=1.0)
    for each in gradients:
        each.mul_(scale.view(scale.shape + (1,) * (each.ndim - lead)))


def language_history(rows: list[Row]) -> pd.DataFrame:
    """The history of one autoencoder: schema.yaml, sae/history.csv."""
    columns = ["step", "tokens", "lr", "loss", "mse", "l0", "explained_variance"]
    return pd.DataFrame(rows, columns=[*columns, "dead", "resampled"])


def toy_history(rows: list[Row]) -> pd.DataFrame:
    """The history of every instance: schema.yaml, toy_sae/history.parquet."""
    columns = ["instance", "step", "loss", "mse", "l0", "resampled"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["instance", "step"], ignore_index=True)


def summary(history: pd.DataFrame) -> dict[str, float]:
    """The numbers of sae/metrics.json: the last row of the history, over training batches."""
    last = history.iloc[-1]
    return {
        "n_activations": int(last["tokens"]),
        "l0": float(last["l0"]),
        "mse": float(last["mse"]),
        "explained_variance": float(last["explained_variance"]),
        "dead": int(last["dead"]),
    }


def _minimise_(run: Run, x: Tensor, lr: float) -> Loss:
    """Make one optimiser step, and give the loss before it."""
    sae = run.sae
    for group in run.optimizer.param_groups:
        group["lr"] = lr
    loss = sae.loss(x, run.dead(), progress=run.step / sae.config.training.n_steps)
    if not bool(loss.total.isfinite().all()):
        raise ValueError(f"the loss is {loss.total.tolist()} at step {run.step} (lr={lr:.3g})")
    run.optimizer.zero_grad()
    loss.total.sum().backward()
    sae.project_gradients_()
    if sae.config.training.gradient_clip is not None:
        clip_gradients_(sae, sae.config.training.gradient_clip)
    run.optimizer.step()
    sae.after_step_(loss.codes)
    return loss


@contextmanager
def _threads(sae: SAE) -> Iterator[None]:
    """One thread for toys: their steps are too short to share, and waiting costs more."""
    before = torch.get_num_threads()
    torch.set_num_threads(before if sae.n_instances is None else 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def _resample_(run: Run, source: Source) -> None:
    """Give the dead latents new directions, by the row's rule, and forget their moments."""
    config, dead = run.sae.config.resampling, run.dead()
    assert config is not None, "resampling_steps is empty without a resampling config"
    if not bool(dead.any()):
        return
    if config.kind == "reinitialise":
        resampling.reinitialise_(run.sae, dead, generator=run.generator)
    else:
        if config.kind == "random":
            directions = resampling.random_directions(dead, run.sae.d_in, generator=run.generator)
        else:
            x, loss = _losses(run, source, config.n_inputs)
            directions = resampling.loss_directions(run.sae, dead, x, loss, generator=run.generator)
        resampling.resample_(run.sae, dead, directions, encoder_scale=config.encoder_scale)
    resampling.forget_moments_(run.optimizer, run.sae, dead)
    run.idle.masked_fill_(dead, 0)
    run.resampled += dead.sum(-1)


def _losses(run: Run, source: Source, n_inputs: int) -> tuple[Tensor, Tensor]:
    """The next `n_inputs` inputs of the stream, which stay in it, and the loss of each."""
    n_batches = -(-n_inputs // run.sae.config.training.batch_size)
    batches = [x.to(run.idle.device) for x in islice(source(run.step), n_batches)]
    losses = [run.sae.input_losses(x) for x in batches]
    return torch.cat(batches, -2), torch.cat(losses, -1)


@torch.no_grad()
def _rows(run: Run, x: Float[Tensor, "*instance batch d_in"], loss: Loss, lr: float) -> list[Row]:
    """The rows of the history for the step just made: one, or one per instance."""
    table: dict[str, Tensor] = {
        "loss": loss.total,
        "mse": loss.mse,
        "l0": loss.codes.l0(),
        "dead": run.dead().sum(-1),
        "resampled": run.resampled,
    }
    columns = {name: values.reshape(-1).tolist() for name, values in table.items()}
    shared: Row = {"step": run.step, "tokens": run.step * x.shape[-2], "lr": lr}
    if run.sae.n_instances is None:
        shared["explained_variance"] = float(metrics.explained_variance(x, loss.x_hat))
    each = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    return [{"instance": instance} | shared | row for instance, row in enumerate(each)]
