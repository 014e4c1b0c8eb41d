"""Claims about the set-up of toy models that need no training: data, models, exact identities.

Each is checked by a function that is handed what it checks, so that a wrong one can be tried too.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.measures_setup import (
    hand_written,
    largest_standard_error,
    model_of,
    random_weights,
    rotation_error,
    strongest_activation,
    training_samples,
)
from superposition.results import Results
from superposition.toy import geometry, theory
from superposition.toy.models import Hidden, Output, ToyModel
from superposition.values import fmt, of

PAPER = "Toy Models of Superposition"
TUTORIAL = "Superposition & Sparse Autoencoders (ARENA)"
DENSITIES = (0.9, 0.1, 0.01)
"""Where the samples are checked."""
Scores = Callable[[Tensor], Tensor]


@claim(
    "a01-setup-data",
    paper=PAPER,
    source="Demonstrating Superposition, Experiment Setup",
    published="x_i = 0 with probability S, otherwise uniform between 0 and 1, independently",
    expected="A million samples of five features, as training draws them, at p = 0.9, 0.1 and "
    "0.01: values between 0 and 1; the shares of active features, E[x] = p/2, E[x²] = p/3 and the "
    "correlations of all pairs, 0, within 4 standard errors.",
    quantity="largest deviation, standard errors",
    figure="toy-models.html#sec-model",
)
def data_world(r: Results) -> Verdict:
    """Features are independent; each is zero with probability S and otherwise uniformly
    distributed between 0 and 1."""
    return check_world(training_samples)


def check_world(sample: Callable[[float], Float[np.ndarray, "sample feature"]]) -> Verdict:
    """Whether samples of a density are those of the paper's world."""
    worst, inside, n = 0.0, True, 0
    for p in DENSITIES:
        x = sample(p)
        n += len(x)
        inside = inside and bool(x.min() >= 0 and x.max() <= 1)
        worst = max(worst, largest_standard_error(x, p))
    return Verdict(
        measured=worst,
        holds="replicated" if inside and worst < 4 else "not replicated",
        detail=f"{fmt(n)} samples of {len(DENSITIES)} densities; "
        f"{'all' if inside else 'not all'} values lie between 0 and 1.",
    )


@claim(
    "a02-setup-model",
    paper=PAPER,
    source="Demonstrating Superposition, Experiment Setup",
    published="x' = WᵀWx + b and x' = ReLU(WᵀWx + b), L = Σ_x Σ_i I_i (x_i − x'_i)²",
    expected="Outputs of both models, and n times their loss (a mean over features where the paper "
    "has the sum), equal the formulas written out number by number within 1e-6.",
    quantity="largest deviation",
    figure="toy-models.html#sec-model",
)
def two_models(r: Results) -> Verdict:
    """There is a linear model, x' = WᵀWx + b, and a ReLU-output model, x' = ReLU(WᵀWx + b); the
    loss is the mean squared error weighted by importance."""
    return check_models(ToyModel)


def check_models(build: Callable[..., ToyModel]) -> Verdict:
    """Whether models and their loss are what the paper's formulas say."""
    outputs: tuple[Output, ...] = ("relu", "linear")
    deviations = {}
    for output in outputs:
        model, x, importance = model_of(build, output=output)
        x_hat, loss = hand_written(model, x, importance)
        off = np.abs(model(x).detach().numpy() - x_hat).max()
        wrong = np.abs(model.b.shape[1] * model.loss(x, importance).detach().numpy() - loss).max()
        deviations[output] = max(float(off), float(wrong))
    worst = max(deviations.values())
    return Verdict(
        measured=worst,
        holds="replicated" if worst < 1e-6 else "not replicated",
        detail="Largest deviations: "
        + ", ".join(f"{fmt(value)} ({name})" for name, value in deviations.items())
        + ". The notebook's loss, and ours, is the paper's divided by the number of features.",
    )


@claim(
    "a07-rotation-invariance",
    paper=PAPER,
    source="Superposition in a Privileged Basis",
    published="W → OW with O orthogonal is the same model; not so with a ReLU on the hidden layer",
    expected="Ten models of 20 features in 5 dimensions, random rotations: outputs change by less "
    "than 1e-5, and by more than 0.01 in the same models with a ReLU on the hidden layer. Partly: "
    "the former.",
    quantity="largest change of an output",
    figure="toy-models.html#sec-model",
)
def any_rotation(r: Results) -> Verdict:
    """The hidden layer of these models has no privileged basis: one can apply any rotation to W
    and get the same model."""
    return check_rotation(free="linear", fixed="relu")


def check_rotation(*, free: Hidden, fixed: Hidden) -> Verdict:
    """Whether models with the hidden layer `free` can be rotated and those with `fixed` cannot."""
    change, control = rotation_error(free), rotation_error(fixed)
    return Verdict(
        measured=change,
        holds=graded(change < 1e-5 and control > 0.01, change < 1e-5),
        detail=f"With a ReLU on the hidden layer the same rotations change outputs by up to "
        f"{fmt(control)}.",
    )


@claim(
    "a09-sum-d-bound",
    paper=PAPER,
    source="Geometry of Superposition, Feature Dimensionality",
    published="dimensionalities add up to the number of hidden dimensions when features are packed "
    "efficiently; no bound is stated",
    expected="No Σ_i D_i of 10,000 random W in ten shapes exceeds m by more than 1e-6.",
    quantity="largest share of the hidden dimensions that is given out",
    figure="toy-models.html#sec-room",
)
def dimensions_are_shared(r: Results) -> Verdict:
    """The dimensionalities of all features add up to at most the number of hidden dimensions."""
    return check_bound(geometry.dimensionality)


def check_bound(dimensionality: Scores) -> Verdict:
    """Whether dimensionalities of random weights never add up to more than there are dimensions."""
    excess, share, n = [], [], 0
    for W in random_weights():
        m = W.shape[-1]
        total = dimensionality(W).sum(dim=-1)
        excess.append(float((total - m).max()))
        share.append(float((total / m).max()))
        n += len(W)
    return Verdict(
        measured=max(share),
        holds="replicated" if max(excess) <= 1e-6 else "not replicated",
        detail=f"{fmt(n)} random weights; the sum minus m is at most {fmt(max(excess))}.",
    )


@claim(
    "a19-interference-scale",
    paper=PAPER,
    source="Demonstrating Superposition, Basic Results",
    published="Σ_(j≠i) (Ŵ_i · W_j)²: 0 is orthogonal, 1 or more is as strong as the feature itself",
    expected="The score is 0 for orthogonal directions, 1/2 in a triangle, 1 in an antipodal pair "
    "and 3/2 in a pentagon, and for 100 random W it is the square of the largest activation of "
    "direction i by other features of joint length 1; all within 1e-6.",
    quantity="largest deviation",
    figure="toy-models.html#fig-scores",
)
def what_the_score_means(r: Results) -> Verdict:
    """A score of zero means that the feature is orthogonal to all others; a score of one or more
    means that some group of other features can activate its direction as strongly as the feature
    itself."""
    return check_score(geometry.superposition)


def check_score(score: Scores) -> Verdict:
    """Whether a superposition score measures how strongly other features can activate one."""
    shapes = theory.polytopes()
    known = {"triangle": 0.5, "digon": 1.0, "pentagon": 1.5}
    off = [float(score(torch.eye(3, dtype=torch.float64)).abs().max())]
    off += [float((score(shapes[name].vertices) - s).abs().max()) for name, s in known.items()]
    W = torch.randn(100, 20, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    strongest = strongest_activation(W.numpy())
    off.append(float(np.abs(score(W).numpy() - strongest**2).max()))
    return Verdict(
        measured=max(off),
        holds="replicated" if max(off) < 1e-6 else "not replicated",
        detail=f"{fmt(len(known) + 1)} arrangements made by hand and {fmt(len(W))} random ones.",
    )


@claim(
    "t05-sum-of-dimensionalities",
    paper=TUTORIAL,
    source="Feature Geometry, notes on dimensionality",
    published="no number",
    expected="Read by the word, with n features: Σ D_i ≤ n, and equal only without overlaps. Read "
    "by the symbol, with m hidden dimensions: Σ D_i ≤ m, and no ideal arrangement with overlaps "
    "comes within 1e-6 of m. Both for 10,000 random W and the paper's polytopes. Partly: one of "
    "the readings holds.",
    quantity="share of the hidden dimensions that an arrangement with overlaps reaches",
    figure="toy-models.html#sec-room",
    quoted=True,
)
def tutorial_bound(r: Results) -> Verdict:
    """The sum of all D_i can't be greater than the total number of features m, with equality if and
    only if all the vectors are orthogonal."""
    return check_readings(geometry.dimensionality)


def check_readings(dimensionality: Scores) -> Verdict:
    """Whether the tutorial's bound holds with the number of features, and with that of dimensions.

    The random weights and the polytopes all have overlaps: none of them may reach the bound.
    """
    tight = {}
    by_word = by_symbol = True
    for W in random_weights():
        total = dimensionality(W).sum(dim=-1)
        by_word = by_word and bool((total < W.shape[1] - 1e-6).all())
        by_symbol = by_symbol and bool((total < W.shape[2] - 1e-12).all())
    for name, polytope in theory.polytopes().items():
        n, m = polytope.vertices.shape
        total = float(dimensionality(polytope.vertices).sum())
        by_word = by_word and total < n - 1e-6
        tight[name] = total / m
    by_symbol = by_symbol and max(tight.values()) < 1 - 1e-6
    reached = [name for name, share in tight.items() if share > 1 - 1e-6]
    return Verdict(
        measured=max(tight.values()),
        holds=graded(by_word and by_symbol, by_word or by_symbol),
        detail=f"With the number of features it is {'true' if by_word else 'false'}; with that of "
        f"hidden dimensions {'true' if by_symbol else 'false'}: {of(len(reached), len(tight))} "
        f"arrangements whose features overlap reach it ({', '.join(reached) or 'none'}).",
    )
