"""Claims of the blog post "How LLMs Represent So Many Features", which works through ARENA."""

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import linprog
from torch import Generator, Tensor, nn

from superposition import intervals
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import SEED, graded
from superposition.results import Results
from superposition.saes.recovery import hidden_states
from superposition.toy.models import ToyModel
from superposition.values import fmt

PAPER = "How LLMs Represent So Many Features"
N_SAMPLES = 20_000
"""Inputs whose hidden states are looked at."""
BINS = 72
"""Of 5 degrees each, in which hidden states are counted by their direction."""
CROWDED = 0.02
"""Share of the active inputs that makes a bin part of a ray."""


@claim(
    "d06-blog-5-dirs",
    paper=PAPER,
    source="The five-features toy model",
    published="5 directions from 2 neurons",
    expected="Directions of hidden states at p = 0.01 form exactly 5 clusters in at least 80% of "
    "the models. Partly: in at least half.",
    quantity="share of models with exactly five directions",
    figure="toy-autoencoders.html#fig-target",
    rows=("toy.sae-target",),
)
def five_directions(r: Results) -> Verdict:
    """Two output neurons fire in five distinct directions."""
    runs = r.toy("sae-target").at(0.01)
    generator = Generator().manual_seed(SEED)
    p = runs.feature_probability
    W = torch.from_numpy(runs.W)
    h = hidden_states(W, feature_probability=p, batch_size=N_SAMPLES, generator=generator)
    counts = [count_rays(each.numpy()) for each in h]
    n_five = counts.count(5)
    share = n_five / len(counts)
    return Verdict(
        measured=share,
        interval=intervals.wilson(n_five, len(counts)),
        holds=graded(share >= 0.8, share >= 0.5),
        detail=f"Directions found, model by model: {', '.join(map(str, counts))}.",
    )


def count_rays(h: Float[np.ndarray, "batch 2"]) -> int:
    """Directions in which many hidden states lie: runs of crowded bins on the circle."""
    active = h[np.linalg.norm(h, axis=1) > 0]
    angles = np.arctan2(active[:, 1], active[:, 0])
    counts, _ = np.histogram(angles, bins=BINS, range=(-np.pi, np.pi))
    crowded = counts > CROWDED * len(active)
    return int((crowded & ~np.roll(crowded, 1)).sum())


@claim(
    "d07-blog-nonunique",
    paper=PAPER,
    source="Footnote 2",
    published="infinitely many inputs give the same output when features outnumber neurons",
    expected="For the pentagon, 5 features in 2 neurons: the null space of W has dimension 3; a "
    "second, different, non-negative input gives the same hidden state; among all such inputs the "
    "one with the smallest sum is the sparse original.",
    quantity="dimensions of input that leave no trace in the hidden state",
    figure="toy-autoencoders.html#sec-many-answers",
)
def not_unique(r: Results) -> Verdict:
    """With more features than neurons the features cannot be recovered exactly from the neurons:
    infinitely many combinations of features give the same activations."""
    angles = 2 * torch.pi * torch.arange(5, dtype=torch.float64) / 5
    return invert(torch.stack([angles.cos(), angles.sin()], dim=1))


def invert(W: Float[Tensor, "feature d_hidden"]) -> Verdict:
    """Whether single features can be told from hidden states: only if inputs are known sparse."""
    n_features = len(W)
    nullity = n_features - int(torch.linalg.matrix_rank(W))
    model = ToyModel(W[None], W.new_zeros(1, n_features), output="relu")
    x = torch.eye(n_features, dtype=W.dtype)
    h = model.hidden(x[:, None])[:, 0].detach()
    densest = torch.stack([_extreme_input(W, each, smallest=False) for each in h])
    sparsest = torch.stack([_extreme_input(W, each, smallest=True) for each in h])
    same = torch.allclose(model.hidden(densest[:, None])[:, 0], h, atol=1e-6)
    other = bool(((densest - x).abs().amax(1) > 0.1).all())
    found = torch.allclose(sparsest, x, atol=1e-6)
    return Verdict(
        measured=nullity,
        holds=graded(nullity > 0 and same and other and found, nullity > 0 and same and other),
        detail="A single active feature of size 1 looks like another input whose values sum to "
        f"{fmt(float(densest.sum(1).max()))}; the smallest sum "
        f"{'recovers' if found else 'does not recover'} the original.",
    )


def _extreme_input(
    W: Float[Tensor, "feature d_hidden"], h: Float[Tensor, " d_hidden"], *, smallest: bool
) -> Float[Tensor, " feature"]:
    """The input in [0, 2] with hidden state h whose values have the smallest or the largest sum."""
    cost = np.full(len(W), 1.0 if smallest else -1.0)
    found = linprog(cost, A_eq=W.T.numpy(), b_eq=h.numpy(), bounds=(0, 2))
    assert found.success, f"no input has the hidden state of an input: {found.message}"
    return torch.from_numpy(found.x).to(W.dtype)


class PlainTensors(nn.Module):
    """A toy model whose weights are tensors, not parameters: the mistake in question."""

    def __init__(self) -> None:
        super().__init__()
        self.W = torch.zeros(1, 5, 2, requires_grad=True)
        self.b = torch.zeros(1, 5, requires_grad=True)


@claim(
    "d08-blog-nn-parameter",
    paper=PAPER,
    source="Code snippet of the model's initialisation",
    published="initialisation fails unless tensors are wrapped in nn.Parameter",
    expected="Plain tensors: list(parameters()) == [] and Adam raises ValueError; our model, "
    "wrapped: two parameters, and Adam takes them.",
    quantity="parameters PyTorch finds in the unwrapped model",
    figure="toy-models.html#sec-parameters",
)
def parameters_wrapped(r: Results) -> Verdict:
    """Weights that are plain tensors instead of nn.Parameter are invisible to the optimiser."""
    return unwrapped(PlainTensors())


def unwrapped(model: nn.Module) -> Verdict:
    """Whether PyTorch overlooks the weights of `model` but not those of the library's toy model."""
    wrapped = ToyModel(torch.zeros(1, 5, 2), torch.zeros(1, 5), output="relu")
    n_found = len(list(model.parameters()))
    refusal = _refusal(model)
    works = len(list(wrapped.parameters())) == 2 and not _refusal(wrapped)
    said = f"Adam says: {refusal}" if refusal else "Adam accepts it"
    return Verdict(
        measured=n_found,
        holds=graded(n_found == 0 and bool(refusal) and works, False),
        detail=f"{said}. With nn.Parameter it finds {len(list(wrapped.parameters()))} parameters.",
    )


def _refusal(model: nn.Module) -> str:
    try:
        torch.optim.Adam(model.parameters())
    except ValueError as error:
        return str(error)
    return ""
