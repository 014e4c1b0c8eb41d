"""One training loop for every autoencoder, on toy models and on language alike.

Several autoencoders may share a stream: each batch is read once, and every one makes its step on
it. `fit` is the case of one. Several processes may share the work: see `distributed`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from superposition.core.compute import Checkpoint, NoCheckpoint, progress
from superposition.gpu import rates
from superposition.saes import distributed, resampling
from superposition.saes.base import SAE, Loss, SaeConfig, build
from superposition.saes.history import Moment, Row, language_history, rows, toy_history
from superposition.saes.limits import explained, say_fallback
from superposition.saes.replayed import Replayed
from superposition.saes.schedule import learning_rate, peak_lr, resampling_steps

INITIAL_BATCHES = 8
"""Batches whose geometric median is the decoder's first bias: 32,768 inputs at a batch of 4,096, as
in the published code of Scaling and Evaluating Sparse Autoencoders (Gao et al. 2024)."""

Source = Callable[[int], Iterator[Tensor]]
"""The batches "*instance batch d_in" from a batch number on; a number always gives the same one."""


class FittedSae(NamedTuple):
    """A trained autoencoder."""

    sae: SAE
    """Its weights."""
    history: pd.DataFrame
    """How training went: schema.yaml, sae/history.csv or, with instances, toy_sae/history."""
    n_steps: int
    """Steps made."""
    stopped: str
    """Why training ended before its time; empty if it did not."""


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
    stopped: str = ""
    """Why there will be no further ones; empty while there will."""

    def __post_init__(self) -> None:
        """Nothing is recorded yet that a GPU could replay."""
        self.replayed = Replayed(self.sae, self.idle)

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
            "stopped": self.stopped,
        }

    def restore_(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint's state."""
        self.sae.load_state_dict(state["sae"])
        self.optimizer.load_state_dict(state["optimizer"])
        rates.move_(self.optimizer, self.idle.device)
        self.generator.set_state(state["generator"].cpu())
        self.idle.copy_(state["idle"])
        self.resampled.copy_(state["resampled"])
        self.rows, self.step, self.stopped = state["rows"], state["step"], state["stopped"]


def fit(
    config: SaeConfig,
    source: Source,
    *,
    device: torch.device,
    checkpoint: Checkpoint | None = None,
    label: str = "autoencoder",
) -> FittedSae:
    """The autoencoder that `config` describes, trained on `source`, as `fit_many` trains several.

    A loss that is not a number is an error.
    """
    (fitted,) = fit_many([config], source, device=device, checkpoint=checkpoint, label=label)
    if fitted.stopped:
        raise ValueError(fitted.stopped)
    return fitted


def fit_many(
    configs: Sequence[SaeConfig],
    source: Source,
    *,
    device: torch.device,
    checkpoint: Checkpoint | None = None,
    label: str = "autoencoders",
) -> list[FittedSae]:
    """The autoencoders that `configs` describe, all trained on the batches of one `source`.

    The first batch says whether there is an instance axis and how large d_in is. A continued run
    ends with the same weights, bit for bit, as one that was not interrupted; on a GPU that holds
    for TopK, BatchTopK, Matryoshka and L1, and for the others up to rounding. An autoencoder whose
    loss is not a number stops there, and the others go on.
    """
    checkpoint = checkpoint or NoCheckpoint()
    n_steps = _common_steps(configs)
    sample = torch.cat(list(islice(source(0), INITIAL_BATCHES)), dim=-2).cpu()
    say_fallback(sample.dtype, device)
    with explained(configs, sample.shape[-1]):
        runs = [start(config, sample, device) for config in configs]
        _continue_(runs, checkpoint)
        with _threads(runs[0].sae):
            for x in _left(runs, source, n_steps, label):
                _advance_all_(runs, distributed.share(x).to(device), source)
                if distributed.is_first() and checkpoint.is_due():
                    checkpoint.save({"runs": [run.state() for run in runs]})
    return [_fitted(run, n_steps) for run in runs]


def start(
    config: SaeConfig, sample: Float[Tensor, "*instance batch d_in"], device: torch.device
) -> Run:
    """A run before its first step: initial weights on `device`, empty moments."""
    n_instances = sample.shape[0] if sample.ndim == 3 else None
    sae = build(config, d_in=sample.shape[-1], n_instances=n_instances)
    sae.initialise_(sample)
    sae.to(device)
    return Run(
        sae=sae,
        optimizer=torch.optim.Adam(
            sae.parameters(),
            betas=(0.9, config.training.beta2),
            **rates.options(peak_lr(config), device),
        ),
        idle=torch.zeros(sae.b_enc.shape, dtype=torch.int64, device=device),
        generator=sae.generator(),
        resampled=torch.zeros(sae.b_enc.shape[:-1], dtype=torch.int64, device=device),
        rows=[],
    )


def advance_(run: Run, x: Float[Tensor, "*instance batch d_in"], source: Source) -> None:
    """Make one step on `x`, with what belongs to it: constraints, resampling, history.

    No step is made, and the run stops, if the loss is not a number; where a GPU replays the steps,
    that is noticed in the next row of the history. `x` is this process's slice.
    """
    config, lr = run.sae.config, learning_rate(run.sae.config, run.step)
    rates.set_(run.optimizer, lr)
    is_replayed = run.replayed.can_make(run.step)
    loss = run.replayed.make_(partial(_fixed_step_, run), x) if is_replayed else _step_(run, x)
    if loss is None:
        return
    run.step += 1
    is_resampled = run.step in resampling_steps(config)
    if is_resampled:
        _resample_(run, source)
    is_last = run.step == config.training.n_steps
    if is_resampled or is_last or run.step % config.training.log_every == 0:
        if is_replayed and not _is_finite(run, loss, x.shape[-2]):
            return
        run.rows += rows(Moment(run.step, lr, run.dead(), run.resampled), x, loss)
        run.resampled.zero_()


def apply_(run: Run, loss: Loss, n_inputs: int) -> None:
    """Move the weights along the gradients of `loss`, over `n_inputs` here; note who fired."""
    sae = run.sae
    run.optimizer.zero_grad()
    loss.total.sum().backward()
    distributed.add_gradients_([*sae.parameters()], n_inputs)
    sae.project_gradients_()
    if sae.config.training.gradient_clip is not None:
        clip_gradients_(sae, sae.config.training.gradient_clip)
    run.optimizer.step()
    sae.after_step_(loss.codes)
    run.idle.add_(1).masked_fill_(distributed.anywhere(loss.codes.fired()), 0)


@torch.no_grad()
def clip_gradients_(sae: SAE, largest: float) -> None:
    """Scale each instance's gradient so that its norm is at most `largest`."""
    gradients = [each.grad for each in sae.parameters() if each.grad is not None]
    lead = 0 if sae.n_instances is None else 1
    norm = torch.stack([_square_norm(sae, each, lead) for each in gradients]).sum(0).sqrt()
    scale = (largest / norm.clamp(min=1e-12)).clamp(max=1.0)
    for each in gradients:
        each.mul_(scale.view(scale.shape + (1,) * (each.ndim - lead)))


def _square_norm(sae: SAE, gradient: Tensor, lead: int) -> Tensor:
    """The squared norm of each instance's `gradient`, whose first `lead` axes are instances."""
    with sae.scratch.like(gradient) as squares:
        return torch.square(gradient, out=squares).sum(dim=tuple(range(lead, gradient.ndim)))


def _common_steps(configs: Sequence[SaeConfig]) -> int:
    """The number of steps of all `configs`, which share their batches."""
    shared = {(config.training.n_steps, config.training.batch_size) for config in configs}
    if len(shared) != 1:
        raise ValueError(f"one stream for several (n_steps, batch_size): {sorted(shared)}")
    return shared.pop()[0]


def _continue_(runs: Sequence[Run], checkpoint: Checkpoint) -> None:
    """Take up the state kept by `checkpoint`, if there is one; all processes the same."""
    if (state := checkpoint.load()) is not None:
        for run, kept in zip(runs, state["runs"], strict=True):
            run.restore_(kept)
    for run in runs:
        distributed.start_alike_(run.step, run.sae.state_dict().values())


def _left(runs: Sequence[Run], source: Source, n_steps: int, label: str) -> Iterator[Tensor]:
    """The batches of the steps that are still to be made."""
    step = max(run.step for run in runs)
    batches = islice(source(step), n_steps - step)
    return progress(batches, label, total=n_steps - step) if distributed.is_first() else batches


def _advance_all_(runs: Sequence[Run], x: Tensor, source: Source) -> None:
    """Make one step with every run that has not stopped."""
    for run in runs:
        if not run.stopped:
            advance_(run, x, source)


def _fitted(run: Run, n_steps: int) -> FittedSae:
    """What a run has come to, which made all its steps or was stopped."""
    if run.step < n_steps and not run.stopped:
        raise ValueError(f"the activations end after {run.step} batches; n_steps={n_steps}")
    table = language_history if run.sae.n_instances is None else toy_history
    return FittedSae(run.sae, table(run.rows), run.step, run.stopped)


def _step_(run: Run, x: Tensor) -> Loss | None:
    """Make a step, unless the loss is not a number."""
    loss = run.sae.loss(x, run.dead(), progress=run.step / run.sae.config.training.n_steps)
    if not _is_finite(run, loss, x.shape[-2]):
        return None
    apply_(run, loss, x.shape[-2])
    return loss


def _fixed_step_(run: Run, x: Tensor) -> Loss:
    """Make a step while no latent is dead and every penalty has its full size."""
    loss = run.sae.loss(x, None, progress=1.0)
    apply_(run, loss, x.shape[-2])
    return loss.detached()  # so that nothing of the recorded way back is used by a step made alone


def _is_finite(run: Run, loss: Loss, n_inputs: int) -> bool:
    """Whether the loss of the whole batch is a number; if not, the run stops."""
    total = distributed.mean(loss.total.detach(), n_inputs)
    if not (found := bool(total.isfinite().all())):
        lr = learning_rate(run.sae.config, run.step)
        run.stopped = f"the loss is {total.tolist()} at step {run.step} (lr={lr:.3g})"
    return found


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
    losses = [distributed.gathered(run.sae.input_losses(distributed.share(x)), -1) for x in batches]
    return torch.cat(batches, -2), torch.cat(losses, -1)
