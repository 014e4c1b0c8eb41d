"""Claims of "Toy Models of Superposition" about phase changes.

The paper trained ten models for every cell of a diagram and averaged them after leaving out the
one with the highest loss. Here a cell has the phase of its model with the lowest loss, because an
average of two phases is neither; how many models agree with it is reported beside it.
"""

from collections.abc import Callable

import numpy as np

from superposition import intervals
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import SEED, graded
from superposition.claims.measures_phases import (
    PhaseMap,
    away_from_borders,
    confusion,
    exact_phases,
    integrated_losses,
    largest_steps,
    phase_map,
    pieces,
    share_interval,
    signed_extra,
    slope_jump,
    unlike_nearby,
    unlike_starts,
)
from superposition.results import Results
from superposition.toy import phases
from superposition.toy.phase_labels import outcome
from superposition.toy.phases import SHARED, THREE_IN_TWO, TWO_IN_ONE
from superposition.toy.theory_tables import CHECKED
from superposition.values import fmt, of

PAPER = "Toy Models of Superposition"
SECTION = "Superposition as a Phase Change"
Losses = Callable[..., np.ndarray]
Borders = Callable[..., phases.Boundaries]


@claim(
    "a23-phase-n2m1-empirical",
    paper=PAPER,
    source=f"{SECTION}, two features in one dimension",
    published="densities 1 to 0.01, relative importance 0.1 to 10, 10 models for each point, "
    "averaged without the worst",
    expected="Each cell by its lowest-loss start: not represented (|w2| < 0.3), dedicated "
    "(|w1| < 0.3), superposition (w1 w2 < 0). All three phases occur, each in one connected piece, "
    "and at least 85% of the cells have the phase that theory gives them. Partly: all three occur "
    "and the 85% are reached, but a phase lies in several pieces.",
    quantity="share of cells in the phase that theory gives them",
    figure="phase-changes.html#fig-two-in-one",
    rows=("toy.phase-two-in-one",),
)
def two_in_one(r: Results) -> Verdict:
    """An extra feature is not represented, stored in superposition, or given a dimension of its
    own, depending on sparsity and importance, with sharp borders between the three."""
    found = phase_map(r.toy("phase-two-in-one"), TWO_IN_ONE)
    counts = [pieces(found.cells, phase) for phase in TWO_IN_ONE.phases]
    best = found.cells["phase"].to_numpy()
    share = float((best == found.cells["theory"].to_numpy()).mean())
    all_occur = min(counts) > 0
    exact = best == exact_phases(r.theory.table("optima"), found.cells)
    listed = ", ".join(f"{phase} {n}" for phase, n in zip(TWO_IN_ONE.phases, counts, strict=True))
    return Verdict(
        measured=share,
        interval=share_interval(found.loss, found.agrees),
        holds=graded(all_occur and max(counts) == 1 and share >= 0.85, all_occur and share >= 0.85),
        detail=f"Connected pieces: {listed}. {fmt(float(exact.mean()), '%')} of the cells have "
        f"the phase of the exact optimum. {_starts(found)}",
    )


@claim(
    "a24-phase-n2m1-theory",
    paper=PAPER,
    source=f"{SECTION}, theory",
    published="a diagram of the lowest of three losses; the formulas are not printed",
    expected="The closed forms for [1, 0], [0, 1] and [1, −1], with and without bias, agree at "
    "four points with numerical integration within 0.3% and with samples within 0.3% or four "
    "standard errors, and the losses of neighbouring phases agree within 0.3% on the borders "
    "p = 4r/(2 + 5r) and p = 4/(5 + 2r), without bias p = 2r/(1 + r) and p = 2/(1 + r). Partly: "
    "the closed forms agree.",
    quantity="largest relative deviation from integration",
    figure="phase-changes.html#fig-two-in-one",
)
def two_in_one_theory(r: Results) -> Verdict:
    """Whether an extra feature is ignored, stored in superposition or given a dimension of its own
    follows from comparing the losses of three ideal solutions, with sharp borders between them."""
    return check_two_in_one(r, phases.losses, phases.boundaries)


def check_two_in_one(r: Results, losses: Losses, borders: Borders) -> Verdict:
    """Whether closed forms of the losses and of the borders agree with integration and samples."""
    forms = [
        abs(float(closed) / exact - 1)
        for p, importance in CHECKED
        for bias in (True, False)
        for closed, exact in zip(
            losses(TWO_IN_ONE, p, importance, bias=bias),
            integrated_losses(p, importance, bias),
            strict=True,
        )
    ]
    gaps = [
        gap for each in (0.2, 0.5) for bias in (True, False) for gap in _gaps(borders, each, bias)
    ]
    form, gap = max(forms), max(gaps)
    sampled, within = _against_samples(r, "two-in-one")
    return Verdict(
        measured=max(form, gap),
        holds=graded(form < 0.003 and within and gap < 0.003, form < 0.003 and within),
        detail=f"Losses deviate by at most {fmt(form, '%')} from integration, and differ by at "
        f"most {fmt(gap, '%')} on the borders; {sampled}",
    )


@claim(
    "a25-phase-first-order",
    paper=PAPER,
    source=f"{SECTION}, first-order phase change",
    published="loss branches cross, so that the derivative of the lowest loss jumps",
    expected="The slope dL/dp of the lowest closed-form loss jumps at r = 1, p = 4/7, and at every "
    "relative importance below 1 the weight w2 of the lowest-loss start changes by more than 0.5 "
    "between two neighbouring densities. Partly: it does so at three quarters of them.",
    quantity="median over importances of the largest change of w2 between neighbouring densities",
    figure="phase-changes.html#fig-jump",
    rows=("toy.phase-two-in-one",),
)
def first_order(r: Results) -> Verdict:
    """The change is of first order: two solutions exchange their places as the best one, and the
    weights jump from one to the other instead of growing."""
    found = phase_map(r.toy("phase-two-in-one"), TWO_IN_ONE)
    w2 = signed_extra(found.W)
    best = np.take_along_axis(w2, found.loss.argmin(axis=1)[:, None], axis=1)
    redrawn = np.take_along_axis(w2, intervals.best_starts(found.loss, seed=SEED), axis=1)
    steps = largest_steps(found.cells, best)[:, 0]
    medians = np.median(largest_steps(found.cells, redrawn), axis=0)
    kink = slope_jump()
    jumps = float((steps > 0.5).mean())
    optima = r.theory.table("optima").query("bias")
    exact = largest_steps(optima, optima["w2"].to_numpy(dtype=float)[:, None])
    return Verdict(
        measured=float(np.median(steps)),
        interval=intervals.percentiles(medians),
        holds=graded(kink > 0 and jumps == 1, kink > 0 and jumps >= 0.75),
        detail=f"w2 changes by more than 0.5 at {of(int((steps > 0.5).sum()), len(steps))} "
        f"importances below 1. The slope of the lowest closed-form loss jumps by {fmt(kink)} at "
        f"p = 4/7. In the exact optimum the largest change is {fmt(float(exact.min()))} "
        f"to {fmt(float(exact.max()))}.",
    )


@claim(
    "a26-phase-n3m2",
    paper=PAPER,
    source=f"{SECTION}, three features in two dimensions",
    published="four solutions: W orthogonal to [0, 0, 1], [1, 0, 0], [0, 1, 1] and [1, 1, 0]",
    expected="The closed forms of the four losses agree with samples within 0.3% or four standard "
    "errors; of the cells whose neighbours all have the same theory, at least 80% have a "
    "lowest-loss start whose null direction is nearest to that of theory. [1, 1, 1], which the "
    "paper leaves out, and directions of the wrong sign count as disagreement. Partly: 80% agree "
    "in what becomes of the extra feature.",
    quantity="share of cells away from borders in the phase that theory gives them",
    figure="phase-changes.html#fig-three-in-two",
    rows=("toy.phase-three-in-two",),
)
def three_in_two(r: Results) -> Verdict:
    """Three features in two dimensions have the same kind of phases: an extra feature is ignored,
    paired with another, or dedicated while another is dropped or the others are paired."""
    found = phase_map(r.toy("phase-three-in-two"), THREE_IN_TWO)
    inner = away_from_borders(found.cells)
    best, theory = (found.cells.loc[inner, name].tolist() for name in ("phase", "theory"))
    pairs = list(zip(best, theory, strict=True))
    same = float(np.mean([one == other for one, other in pairs]))
    alike = float(np.mean([outcome(one) == outcome(other) for one, other in pairs]))
    sampled, within = _against_samples(r, "three-in-two")
    strays = [one for one, other in pairs if one != other]
    else_found = ", ".join(f"{name} {strays.count(name)}" for name in sorted({*strays})) or "none"
    return Verdict(
        measured=same,
        interval=share_interval(found.loss[inner], found.agrees[inner]),
        holds=graded(within and same >= 0.8, within and alike >= 0.8),
        detail=f"{fmt(alike, '%')} agree in what becomes of the extra feature. Phases that occur "
        f"where theory has another, with their cells: {else_found}. {_starts(found)} "
        f"{sampled.capitalize()}",
    )


@claim(
    "a27-confused-feature",
    paper=PAPER,
    source="Comments and replications, Tom McGrath",
    published="without a bias, W1 = W2 = 0.707 where both are dense and important; the change from "
    "an antipodal pair to it is discontinuous",
    expected="Without bias, at p = r = 1, the lowest exact loss over all weights lies within 0.02 "
    "of (0.707, 0.707) and within 1% of 1/12; along r = 1 the best weights move by more than 0.5 "
    "where the pair gives way to it; with a bias the lowest loss at p = r = 1 is within 1% of "
    "1/12 too. Partly: the first of these.",
    quantity="distance of the best weights from (0.707, 0.707)",
    figure="phase-changes.html#fig-landscape",
)
def confused_feature(r: Results) -> Verdict:
    """Without a bias there is one phase more: where both features are dense and important, the
    model keeps their sum and cannot tell them apart."""
    found = confusion(r.theory.table("optima"))
    there = found.distance <= 0.02 and abs(found.excess) <= 0.01
    jumps = found.moved > 0.5 and abs(found.tie) <= 0.01
    return Verdict(
        measured=found.distance,
        holds=graded(there and jumps, there),
        detail=f"At p = r = 1 the lowest loss differs from 1/12 by {fmt(found.excess, '%')} "
        f"without and {fmt(found.tie, '%')} with a bias. The pair takes over between p = "
        f"{fmt(found.dense)} and {fmt(found.sparse)}, where the weights move by "
        f"{fmt(found.moved)}.",
    )


@claim(
    "a28-activation-dependence",
    paper=PAPER,
    source="Comments and replications, Kushal Sachan",
    published="phase diagrams for several activation functions, compared by eye",
    expected="Lowest-loss starts, against the cells of the ReLU diagram next to them on its finer "
    "grid: models with a GELU and linear ones each have another phase in more than 10% of their "
    "cells, and linear models are in superposition in none. Partly: one of the two differs.",
    quantity="share of cells with another phase than with a ReLU, GELU",
    figure="phase-changes.html#fig-activations",
    rows=("toy.phase-two-in-one", "toy.phase-gelu", "toy.phase-linear"),
)
def activation_dependence(r: Results) -> Verdict:
    """The phase diagram depends on the activation function."""
    relu, gelu, linear = (
        phase_map(r.toy(row), TWO_IN_ONE)
        for row in ("phase-two-in-one", "phase-gelu", "phase-linear")
    )
    unlike = [unlike_nearby(other.cells, relu.cells) for other in (gelu, linear)]
    differ = [float(each.mean()) > 0.1 for each in unlike]
    paired = linear.cells["phase"].tolist().count(SHARED)
    return Verdict(
        measured=float(unlike[0].mean()),
        interval=share_interval(gelu.loss, unlike_starts(gelu, relu)),
        holds=graded(all(differ) and paired == 0, any(differ)),
        detail=f"Another phase in {of(int(unlike[0].sum()), len(unlike[0]))} cells with a GELU and "
        f"in {of(int(unlike[1].sum()), len(unlike[1]))} without activation, where "
        f"{fmt(paired)} cells are in superposition.",
    )


def _against_samples(r: Results, world: str) -> tuple[str, bool]:
    """How closed forms compare with samples, in words, and whether they agree."""
    table = r.theory.table("closed_forms").query("world == @world")
    theory = table["theory"].to_numpy(dtype=float)
    deviation = np.abs(table["loss"].to_numpy(dtype=float) / theory - 1)
    noise = 4 * table["standard_error"].to_numpy(dtype=float) / theory
    words = f"samples deviate by at most {fmt(float(deviation.max()), '%')} from the closed forms."
    return words, bool((deviation <= np.maximum(noise, 0.003)).all())


def _gaps(borders: Borders, r: float, bias: bool) -> list[float]:
    """How far the losses of neighbouring phases are apart on the borders, relative to them.

    Superposition meets the ignored feature at relative importance r, the dedicated one at 1/r.
    """
    low_p = float(borders(TWO_IN_ONE, r, bias=bias).ignored)
    high_p = float(borders(TWO_IN_ONE, 1 / r, bias=bias).dedicated)
    ignored, low, _ = integrated_losses(low_p, r, bias)
    _, high, dedicated = integrated_losses(high_p, 1 / r, bias)
    return [abs(low / ignored - 1), abs(high / dedicated - 1)]


def _starts(found: PhaseMap) -> str:
    """How many random starts end like the best one of their cell."""
    share = found.cells["share"].to_numpy(dtype=float)
    alone = int((share <= 1 / found.loss.shape[1]).sum())
    return (
        f"On average {fmt(float(share.mean()), '%')} of the {found.loss.shape[1]} starts of a cell "
        f"are in the phase of the best one, which is alone in {of(alone, len(share))} cells."
    )
