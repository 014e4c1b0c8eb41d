"""Training the one-layer transformer: windows of text in, weights and a loss curve out."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import pandas as pd
import torch
from jaxtyping import Int
from torch import Tensor

from superposition.core import compute
from superposition.gpu import rates
from superposition.gpu.recorded import Recorded
from superposition.language.cross_entropy import mean_cross_entropy
from superposition.language.transformer import (
    OneLayerTransformer,
    TrainingConfig,
    TransformerConfig,
    shuffled,
)
from superposition.language.windows import spread_windows, training_windows

HISTORY = ["step", "tokens", "lr", "train_loss", "grad_norm", "held_out_loss"]
Step = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Windows in, loss and norm of the gradient out."""
EVALUATION_WINDOWS = 32
"""Windows evaluated at once; bounds memory, changes no number."""


class HeldOutLoss(NamedTuple):
    """How well a model predicts text it was not trained on."""

    nats: float
    """Mean over tokens of -log p(token | those before it in its window)."""
    standard_error: float
    """Of that mean, taking windows for independent."""
    n_tokens: int
    """Tokens predicted."""


@dataclass(frozen=True, kw_only=True)
class TransformerMetrics:
    """The numbers of one transformer."""

    held_out_loss: float
    """Nats per token on the held-out text."""
    held_out_standard_error: float
    """Of `held_out_loss`, over windows."""
    held_out_tokens: int
    """Tokens it is a mean over."""
    train_loss: float | None
    """Nats per token in the last row of the history; None for shuffled weights."""
    n_steps: int
    """Steps of the optimiser; 0 for shuffled weights."""
    n_tokens: int
    """Tokens trained on, with those seen twice counted twice."""
    n_epochs: float
    """`n_tokens` over the tokens of the training text."""
    n_parameters: int
    """Weights and biases, with embeddings."""


class FittedTransformer(NamedTuple):
    """A transformer, how it came about and how good it is."""

    model: OneLayerTransformer
    """On the device it was trained on."""
    history: pd.DataFrame
    """One row every `log_every` steps; columns as in schema.yaml, transformer/history.csv."""
    metrics: TransformerMetrics


def fit(
    config: TransformerConfig,
    train: Int[Tensor, " n"],
    *,
    held_out: Int[Tensor, " m"],
    d_vocab: int,
    device: torch.device,
    checkpoint: compute.Checkpoint,
) -> FittedTransformer:
    """A transformer trained on `train` with Adam, warm-up and cosine.

    A run that was killed continues from `checkpoint` and ends with the same bits.
    Differs: the windows of an epoch are disjoint, so that no text is repeated within it.
    """
    assert config.training is not None, "a row of shuffled weights is not trained"
    run = _Run(config, config.training, train, held_out, d_vocab=d_vocab, device=device)
    kept = checkpoint.load()
    if kept is not None:
        run.restore(kept)
    steps = range(run.step, run.n_steps)
    for _ in compute.progress(steps, "transformer"):
        run.take_step()
        if checkpoint.is_due():
            checkpoint.save(run.state())
    return run.fitted()


def shuffle(
    model: OneLayerTransformer,
    config: TransformerConfig,
    *,
    held_out: Int[Tensor, " m"],
) -> FittedTransformer:
    """The control with `model`'s weights shuffled, and no history."""
    for name in ("d_model", "d_mlp", "n_heads", "d_head", "n_ctx"):
        ours, theirs = getattr(config, name), getattr(model.config, name)
        if ours != theirs:
            raise ValueError(f"{name}={ours} differs from {theirs} of the row {config.made_from!r}")
    model = shuffled(model, seed=config.seed)
    loss = held_out_loss(model, held_out, n_tokens=config.held_out_tokens)
    metrics = TransformerMetrics(
        held_out_loss=loss.nats,
        held_out_standard_error=loss.standard_error,
        held_out_tokens=loss.n_tokens,
        train_loss=None,
        n_steps=0,
        n_tokens=0,
        n_epochs=0.0,
        n_parameters=model.n_parameters,
    )
    return FittedTransformer(model, _history([]), metrics)


def taken_over(
    published: FittedTransformer, config: TransformerConfig, *, held_out: Int[Tensor, " m"]
) -> FittedTransformer:
    """A published transformer with its history, and with its loss on the text held out here.

    Apart from where it comes from, `config` must be what it was trained with.
    """
    for name in (each.name for each in fields(TransformerConfig)):
        ours, theirs = getattr(config, name), getattr(published.model.config, name)
        if ours != theirs and name not in ("made_from", "held_out_tokens"):
            raise ValueError(
                f"{name}={ours} differs from {theirs}, with which {config.made_from} was trained; "
                "restore it, or set made_from: tokens"
            )
    loss = held_out_loss(published.model, held_out, n_tokens=config.held_out_tokens)
    metrics = replace(
        published.metrics,
        held_out_loss=loss.nats,
        held_out_standard_error=loss.standard_error,
        held_out_tokens=loss.n_tokens,
    )
    return FittedTransformer(published.model, published.history, metrics)


@torch.no_grad()
def held_out_loss(
    model: OneLayerTransformer, tokens: Int[Tensor, " n"], *, n_tokens: int
) -> HeldOutLoss:
    """Nats per token of at most `n_tokens` tokens, from windows spread evenly over `tokens`.

    Windows of n_ctx + 1 tokens overlap in one: with all of them, each token but the first is
    predicted once, from at most n_ctx tokens before it; a remainder shorter than n_ctx is left
    out. Estimator: the mean over tokens. In float32.
    """
    n_ctx = model.config.n_ctx
    windows = spread_windows(tokens, n_ctx=n_ctx, n_windows=max(1, n_tokens // n_ctx))
    losses = [
        model.losses(part.to(model.device)).double().mean(1).cpu()
        for part in windows.split(EVALUATION_WINDOWS)
    ]
    of_window = torch.cat(losses)
    n_windows = len(of_window)
    deviation = of_window.std().item() if n_windows > 1 else math.nan
    return HeldOutLoss(
        nats=of_window.mean().item(),
        standard_error=deviation / math.sqrt(n_windows),
        n_tokens=n_windows * n_ctx,
    )


def learning_rate(step: int, n_steps: int, training: TrainingConfig) -> float:
    """The learning rate of a step: a linear rise, then half a cosine down to lr_final * lr."""
    warm_up = round(training.lr_warm_up * n_steps)
    if step < warm_up:
        return training.lr * (step + 1) / warm_up
    done = (step - warm_up) / max(1, n_steps - warm_up)
    cosine = (1 + math.cos(math.pi * done)) / 2
    return training.lr * (training.lr_final + (1 - training.lr_final) * cosine)


class _Run:
    """A training run at some step: everything that the next step depends on."""

    def __init__(
        self,
        config: TransformerConfig,
        training: TrainingConfig,
        train: Tensor,
        held_out: Tensor,
        *,
        d_vocab: int,
        device: torch.device,
    ) -> None:
        self.training, self.train, self.held_out = training, train.to(device), held_out
        self.model = OneLayerTransformer(config, d_vocab=d_vocab).to(device)
        self.optimiser = _adam(self.model, training)
        self.dtype = compute.matmul_dtype(device)
        self.descend = Recorded(self._descend) if device.type == "cuda" else self._descend
        self.step = 0
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=device)
        self.history: list[list[float | int]] = []
        self.tokens_of_step = training.batch_size * config.n_ctx
        self.n_steps = -(-training.n_tokens // self.tokens_of_step)
        self.windows = self._windows()

    def take_step(self) -> None:
        lr = learning_rate(self.step, self.n_steps, self.training)
        rates.set_(self.optimiser, lr)
        loss, grad_norm = self.descend(next(self.windows))
        self.step += 1
        self.loss_sum += loss  # nobody waits for the GPU to tell it
        last = self.step == self.n_steps
        if self.step % self.training.log_every == 0 or last:
            self._log(lr, grad_norm, evaluate=self.step % self.training.evaluate_every == 0 or last)

    def state(self) -> dict[str, Any]:
        self._mean_loss()
        numbers = {"step": self.step, "loss_sum": self.loss_sum, "history": self.history}
        tensors = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict()}
        return numbers | tensors

    def restore(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        self.loss_sum.fill_(state["loss_sum"])
        self.history = [*state["history"]]
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        rates.move_(self.optimiser, self.model.device)
        self.windows = self._windows()

    def fitted(self) -> FittedTransformer:
        n_tokens = self.model.config.held_out_tokens
        loss = held_out_loss(self.model, self.held_out, n_tokens=n_tokens)
        metrics = TransformerMetrics(
            held_out_loss=loss.nats,
            held_out_standard_error=loss.standard_error,
            held_out_tokens=loss.n_tokens,
            train_loss=self.history[-1][HISTORY.index("train_loss")],
            n_steps=self.step,
            n_tokens=self.step * self.tokens_of_step,
            n_epochs=self.step * self.tokens_of_step / len(self.train),
            n_parameters=self.model.n_parameters,
        )
        return FittedTransformer(self.model, _history(self.history), metrics)

    def _windows(self) -> Iterator[Tensor]:
        return training_windows(
            self.train,
            n_ctx=self.model.config.n_ctx,
            batch_size=self.training.batch_size,
            seed=self.model.config.seed,
            start=self.step,
        )

    def _descend(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        low = self.dtype != torch.float32
        with torch.autocast(windows.device.type, dtype=self.dtype, enabled=low):
            x = self.model.last_residual(windows[:, :-1]).flatten(0, 1)
        targets = windows[:, 1:].flatten()
        loss = mean_cross_entropy(x, self.model.W_U, targets, dtype=self.dtype)
        self.optimiser.zero_grad()
        loss.backward()
        clip = self.training.grad_clip
        grad_norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        self.optimiser.step()
        return loss.detach(), grad_norm

    def _mean_loss(self) -> float:
        """Over the steps since the last row of the history; refused if it is not a number."""
        since = (self.step - 1) % self.training.log_every + 1
        mean = self.loss_sum.item() / since
        if not math.isfinite(mean):
            raise ValueError(f"loss is {mean} at step {self.step} or in the {since - 1} before it")
        return mean

    def _log(self, lr: float, grad_norm: Tensor, *, evaluate: bool) -> None:
        mean, held_out = self._mean_loss(), math.nan
        if evaluate:
            n_tokens = self.training.evaluate_tokens
            held_out = held_out_loss(self.model, self.held_out, n_tokens=n_tokens).nats
        tokens = self.step * self.tokens_of_step
        self.history.append([self.step, tokens, lr, mean, grad_norm.item(), held_out])
        self.loss_sum.zero_()


def _adam(model: OneLayerTransformer, training: TrainingConfig) -> torch.optim.AdamW:
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    groups = [
        {"params": matrices, "weight_decay": training.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    betas = (0.9, training.adam_beta_2)
    return torch.optim.AdamW(groups, betas=betas, **rates.options(training.lr, model.device))


def _history(rows: list[list[float | int]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=HISTORY, dtype="float64")
    return table.astype({"step": "int64", "tokens": "int64"})
