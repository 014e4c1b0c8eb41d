"""Claims of "Toy Models of Superposition" about the loss on paper: no model is trained for them."""

import numpy as np
import torch

from superposition import intervals
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.results import Results
from superposition.toy import expansion, geometry
from superposition.toy.compression import DECODERS, LINEAR
from superposition.toy.theory import polytopes
from superposition.values import fmt, of

PAPER = "Toy Models of Superposition"
SECTION = "Demonstrating Superposition, Mathematical Understanding"


@claim(
    "a20-saxe-linear-loss",
    paper=PAPER,
    source=SECTION,
    published="L ~ sum_i I_i (1 − |W_i|²)² + sum_(i≠j) I_j (W_j · W_i)²",
    expected="Gradient descent on this loss from 200 random starts, 8 features in 3 dimensions: "
    "every start ends with 3 features represented (norm above 0.5) and all products of two "
    "directions below 0.001. Partly: 95% of the starts do.",
    quantity="share of starts that end without superposition",
    figure="phase-changes.html#fig-benefit",
)
def linear_never_superposes(r: Results) -> Verdict:
    """For a linear model the loss is benefit against interference, and interference always costs
    more than a further feature brings: superposition is never optimal."""
    ends = r.theory.table("linear")
    represented, overlap, excess = (
        ends[name].to_numpy(dtype=float) for name in ("n_represented", "largest_overlap", "excess")
    )
    n_alone = int(((represented == 3) & (overlap < 1e-3)).sum())
    share = n_alone / len(ends)
    return Verdict(
        measured=share,
        interval=intervals.wilson(n_alone, len(ends)),
        holds=graded(share == 1, share >= 0.95),
        detail=f"{of(n_alone, len(ends))} starts; the largest product of two directions "
        f"is {fmt(float(overlap.max()))}, and the loss exceeds that of keeping the "
        f"three most important features by at most {fmt(float(excess.max()))}.",
    )


@claim(
    "a21-k-sparse-expansion",
    paper=PAPER,
    source=SECTION,
    published="L = sum_k (1 − p)^(n − k) p^k L_k, L_0 = sum_i ReLU(b_i)², and a formula for L_1",
    expected="Four models of 5 features in 2 dimensions at three densities: L_0 and L_1 by "
    "quadrature and the others by samples add up to the loss on plain samples within three "
    "standard errors. Without bias, making a negative product of two directions more negative "
    "changes L_1 by less than 1e-9. Partly: the sums agree within 1%, and L_1 does not change.",
    quantity="largest difference in standard errors",
    figure="phase-changes.html#fig-expansion",
)
def expansion_by_features(r: Results) -> Verdict:
    """The loss is a sum over how many features are present, each term with its own weight, and
    with one feature present negative interference costs nothing."""
    sums = expansion.sums(r.theory.table("terms"), r.theory.table("direct"))
    difference, error, loss = (
        sums[name].to_numpy(dtype=float) for name in ("difference", "standard_error", "loss")
    )
    z, relative = np.abs(difference / error), np.abs(difference / loss)
    free, costly = interference_changes()
    exact = bool((z <= 3).all()) and abs(free) < 1e-9
    return Verdict(
        measured=float(z.max()),
        holds=graded(exact, bool((relative < 0.01).all()) and abs(free) < 1e-9),
        detail=f"Over {len(z)} sums the terms differ from the loss by at most "
        f"{fmt(float(relative.max()), '%')}. A product made more negative changes the term with "
        f"one feature by {fmt(free)}, one made more positive by {fmt(costly)}.",
    )


@claim(
    "a22-thomson",
    paper=PAPER,
    source=SECTION,
    published="minimising interference alone is a generalised Thomson problem; digon, triangle, "
    "pentagon, tetrahedron and square antiprism are named as solutions of superposition",
    expected="Sum of ReLU(W_i · W_j)² over directions of length 1, lowest-energy start for 2 "
    "points in 1 dimension, 3 and 5 in 2, 4 and 8 in 3: sorted products within 0.05 of digon, "
    "triangle, pentagon, tetrahedron, square antiprism. Partly: where they are not, the "
    "polytope has the same energy and is one of many solutions.",
    quantity="arrangements of five that come out as the polytope",
    figure="phase-changes.html#fig-thomson",
)
def thomson_problem(r: Results) -> Verdict:
    """With directions of length 1 and no bias, what is left to arrange is a generalised Thomson
    problem: points on a sphere that keep away from each other."""
    starts = r.theory.table("thomson")
    best = starts.loc[starts["start"] == 0].set_index("polytope")
    near = best["distance"] < 0.05
    tied = np.abs(best["energy"] - best["ideal_energy"]) < 1e-9
    lowest = starts["energy"] - starts.groupby("polytope")["energy"].transform("min") < 1e-6
    among = starts.loc[lowest].groupby("polytope", sort=False)["distance"]
    shares = ", ".join(f"{name} {of(int((d < 0.05).sum()), len(d))}" for name, d in among)
    others = ", ".join(str(name) for name in best.index[~near]) or "none"
    return Verdict(
        measured=int(near.sum()),
        holds=graded(bool(near.all()), bool((near | tied).all())),
        detail=f"Starts with the lowest energy that are the polytope: {shares}. Undecided, because "
        f"no two points need be nearer than a right angle and the energy is 0: {others}. The "
        f"antiprism found has energy {fmt(float(best.loc['square antiprism', 'energy']))}, the "
        f"tight one {fmt(float(best.loc['square antiprism', 'ideal_energy']))}.",
    )


@claim(
    "a33-d-ideal-polytopes",
    paper=PAPER,
    source="Geometry of Superposition, Why these structures",
    published="digon 1/2, triangle 2/3, tetrahedron 3/4, pentagon 2/5, square antiprism 3/8",
    expected="The dimensionalities of the vertices of each polytope equal these fractions, and sum "
    "to the number of dimensions, within 1e-12. Partly: within 0.001.",
    quantity="largest deviation of a dimensionality",
    figure="phase-changes.html#tbl-polytopes",
)
def ideal_dimensionalities(r: Results) -> Verdict:
    """In the ideal polytopes every feature has the same simple fraction of a dimension."""
    deviations = []
    for each in polytopes().values():
        D = geometry.dimensionality(each.vertices)
        deviations.append(float((D - each.dimensionality).abs().max()))
        deviations.append(abs(float(D.sum()) - each.vertices.shape[1]) / len(D))
    worst = max(deviations)
    thomson = float(geometry.dimensionality(antiprism(0.318)).mean())
    return Verdict(
        measured=worst,
        holds=graded(worst < 1e-12, worst < 1e-3),
        detail="The square antiprism has 3/8 only at the height z² = 1/3; at the height z² = 0.318 "
        f"of Thomson's solution its vertices have {fmt(thomson, digits=4)}.",
    )


@claim(
    "a63-nonlinear-compression",
    paper=PAPER,
    source="Appendix, Nonlinear Compression",
    published="t = (floor(Zx) + y)/Z beats linear compression even with ε = 0.1 and Z = 3",
    expected="Two uniform numbers in one, steep segments of width 0.1 in place of the jumps, Z = "
    "3: mean squared error per number below 1/24, that of the best linear code, decoded as "
    "printed. Partly: only if x is decoded to the middle of its step.",
    quantity="mean squared error per number at ε = 0.1, Z = 3",
    figure="phase-changes.html#fig-compression",
)
def nonlinear_compression(r: Results) -> Verdict:
    """A nonlinear code that writes two numbers into one, in coarse steps and within a step, loses
    less than the best linear code even if its jumps are only steep."""
    table = r.theory.table("compression")
    point = table.loc[np.isclose(table["epsilon"], 0.1) & (table["n_steps"] == 3)]
    errors = point.set_index("decoder")["error"]
    printed, centred = (float(errors[name]) for name in DECODERS)
    return Verdict(
        measured=printed,
        holds=graded(printed < LINEAR, centred < LINEAR),
        detail=f"The best linear code has {fmt(LINEAR)}; decoding x to the middle of its step "
        f"gives {fmt(centred)}.",
    )


def interference_changes() -> tuple[float, float]:
    """What L_1 of a pentagon changes by if a product gets more negative, and more positive."""
    pentagon = polytopes()["pentagon"].vertices
    b, importance = torch.zeros(5), torch.ones(5)
    gram = pentagon @ pentagon.mT
    before = expansion.one_sparse_term(gram, b, importance)
    changes = []
    for pair, change in (((0, 2), -0.1), ((0, 1), 0.1)):
        moved = gram.clone()
        moved[pair], moved[pair[::-1]] = gram[pair] + change, gram[pair] + change
        changes.append(expansion.one_sparse_term(moved, b, importance) - before)
    return changes[0], changes[1]


def antiprism(height: float) -> torch.Tensor:
    """A square antiprism on the unit sphere whose squares lie at z² = `height`."""
    tight = polytopes()["square antiprism"].vertices
    flat = tight[:, :2] * (1 - height) ** 0.5 / (2 / 3) ** 0.5
    return torch.cat([flat, tight[:, 2:] * (3 * height) ** 0.5], dim=1)
