"""What the claims about the set-up of toy models compare: formulas by hand, samples, weights."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from superposition.toy.config import Source, ToyConfig
from superposition.toy.data import draw_uniforms, make_batches
from superposition.toy.models import Hidden, Output, ToyModel

SEED = 0
"""Of samples and random weights."""
N_BATCHES = 1000
"""Of a thousand samples each: enough to see deviations of a thousandth."""
SHAPES = ((2, 1), (3, 2), (5, 2), (8, 3), (6, 5), (5, 5), (20, 5), (40, 20), (80, 20), (100, 10))
"""Features and hidden dimensions of the random weights."""
N_EACH = 1000
"""Random weights of each shape."""


class Case(NamedTuple):
    """A model, samples for it and the importance of its features."""

    model: ToyModel
    x: Float[Tensor, "batch instance feature"]
    importance: Float[Tensor, " feature"]


def training_samples(p: float) -> Float[np.ndarray, "sample feature"]:
    """A million samples of five features of density `p`, drawn as training draws them.

    The samples that training counts instead of storing are zeros again.
    """
    config = ToyConfig(
        n_features=5,
        d_hidden=2,
        output="relu",
        importance_base=1.0,
        feature_probabilities=(p,),
        n_seeds=1,
        seed=SEED,
        n_steps=N_BATCHES,
        batch_size=1000,
    )
    generator = Generator().manual_seed(SEED)
    uniforms = draw_uniforms(config, N_BATCHES, generator=generator)
    stored = make_batches(uniforms, config, Source(p, 1.0)).x[:-1]
    active = stored[:, (stored != 0).any(0)].numpy().T
    x = np.zeros((N_BATCHES * config.batch_size, config.n_features))
    x[: len(active)] = active
    return x


def largest_standard_error(x: Float[np.ndarray, "sample feature"], p: float) -> float:
    """How far samples are from the world of density `p`, in standard errors, at the worst.

    Looks at the share of active features, at E[x] = p/2 (variance p/3 - p^2/4), at E[x^2] = p/3
    (variance p/5 - p^2/9), and at the correlations of pairs, whose standard error is 1/sqrt(n).
    """
    n = len(x)
    statistics = (
        ((x > 0).mean(axis=0) - p, p - p**2),
        (x.mean(axis=0) - p / 2, p / 3 - p**2 / 4),
        ((x**2).mean(axis=0) - p / 3, p / 5 - p**2 / 9),
    )
    errors = [np.abs(off) / np.sqrt(variance / n) for off, variance in statistics]
    pairs = np.corrcoef(x.T)[np.triu_indices(x.shape[1], k=1)]
    return float(np.concatenate([*errors, np.abs(pairs) * np.sqrt(n)]).max())


def model_of(build: Callable[..., ToyModel], *, output: Output, hidden: Hidden = "linear") -> Case:
    """Ten random models of 20 features in 5 dimensions, and 50 samples, in double precision."""
    generator = Generator().manual_seed(SEED)
    like = {"generator": generator, "dtype": torch.float64}
    W = torch.randn(10, 20, 5, **like)
    model = build(W, 0.3 * torch.randn(10, 20, **like), output=output, hidden=hidden)
    x = torch.rand(50, 10, 20, **like) * (torch.rand(50, 10, 20, **like) < 0.3)
    return Case(model, x, 0.7 ** torch.arange(20, dtype=torch.float64))


def hand_written(
    model: ToyModel,
    x: Float[Tensor, "batch instance feature"],
    importance: Float[Tensor, " feature"],
) -> tuple[Float[np.ndarray, "batch instance feature"], Float[np.ndarray, " instance"]]:
    """The output and the loss as the paper writes them: one product and one sum after another.

    x'_i = ReLU(sum_h W_ih sum_j W_jh x_j + b_i), without ReLU for the linear model, and
    L = sum_i I_i (x_i - x'_i)^2, mean over samples. Source: Toy Models of Superposition, Experiment
    Setup.
    """
    W, b, given = (tensor.detach().numpy() for tensor in (model.W, model.b, x))
    h = (given[..., None] * W).sum(axis=2)
    x_hat = (h[:, :, None, :] * W).sum(axis=3) + b
    if model.output == "relu":
        x_hat = np.where(x_hat > 0, x_hat, 0.0)
    loss = (importance.numpy() * (given - x_hat) ** 2).sum(axis=2).mean(axis=0)
    return x_hat, loss


def rotation_error(hidden: Hidden) -> float:
    """Largest change of any output of ten random models when their hidden space is rotated."""
    model, x, _ = model_of(ToyModel, output="relu", hidden=hidden)
    generator = Generator().manual_seed(SEED + 1)
    turn = torch.linalg.qr(torch.randn(10, 5, 5, generator=generator, dtype=torch.float64)).Q
    turned = ToyModel(model.W.detach() @ turn, model.b.detach(), output="relu", hidden=hidden)
    return float((turned(x) - model(x)).detach().abs().max())


def random_weights() -> Iterator[Float[Tensor, "instance feature d_hidden"]]:
    """Random weights of ten shapes, with directions of very different lengths."""
    generator = Generator().manual_seed(SEED)
    for n, m in SHAPES:
        W = torch.randn(N_EACH, n, m, generator=generator, dtype=torch.float64)
        lengths = torch.randn(N_EACH, n, 1, generator=generator, dtype=torch.float64).exp()
        yield W * lengths


def strongest_activation(
    W: Float[np.ndarray, "instance feature d_hidden"],
) -> Float[np.ndarray, "instance feature"]:
    """Largest projection on each feature's direction that others of joint length 1 can bring about.

    It is brought about by the x with x_j proportional to What_i . W_j and x_i = 0.
    """
    unit = W / np.linalg.norm(W, axis=-1, keepdims=True)
    pull = unit @ W.swapaxes(-1, -2)
    pull[:, range(W.shape[1]), range(W.shape[1])] = 0
    x = pull / np.linalg.norm(pull, axis=-1, keepdims=True)
    return (x * pull).sum(axis=-1)
