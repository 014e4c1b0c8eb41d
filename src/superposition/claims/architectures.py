"""Claims of the papers that came after: which architecture is better at equal sparsity.

Each compares two frontiers, seed by seed, at the L0 that both have.
"""

from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.measures_frontier import Gap, by_level, gap
from superposition.results import Results
from superposition.values import between, fmt

PAPER = "Papers on later architectures"
BATCH_TOPK = "Bussmann, Leask and Nanda 2024, BatchTopK Sparse Autoencoders"
GATED = "Rajamanoharan et al. 2024, Improving Dictionary Learning with Gated Sparse Autoencoders"
JUMPRELU = (
    "Rajamanoharan et al. 2024, Jumping Ahead: Improving Reconstruction Fidelity with JumpReLU "
    "Sparse Autoencoders"
)
GAO = "Gao et al. 2024, Scaling and Evaluating Sparse Autoencoders"
MATRYOSHKA = (
    "Bussmann et al. 2025, Learning Multi-Level Features with Matryoshka Sparse Autoencoders"
)
APRIL = "Conerly et al., Circuits Updates, April 2024"
EQUAL = 0.01
"""Difference in explained variance below which two architectures count as equally faithful."""
QUANTITY = "difference in explained variance at equal L0"
FRONTIER = "architectures.html#fig-frontier"


@claim(
    "l01-batch-topk-over-topk",
    paper=PAPER,
    source=BATCH_TOPK,
    published="BatchTopK reconstructs better than TopK at equal sparsity",
    expected="Explained variance of BatchTopK minus that of TopK at equal L0, paired by seed: the "
    "interval is above 0. Partly: the mean is not below -0.01.",
    quantity=QUANTITY,
    figure=FRONTIER,
    rows=("sweep.batch-topk", "sweep.topk"),
)
def batch_topk_over_topk(r: Results) -> Verdict:
    """Letting inputs differ in how many latents they use gives better reconstructions."""
    return _better(r, "batch-topk", "topk")


@claim(
    "l02-topk-over-l1",
    paper=PAPER,
    source=GAO,
    published="TopK is better than ReLU with an L1 penalty at every sparsity",
    expected="Explained variance of TopK minus that of L1 (October 2023) at equal L0, paired by "
    "seed: the interval is above 0. Partly: the mean is not below -0.01.",
    quantity=QUANTITY,
    figure=FRONTIER,
    rows=("sweep.topk", "sweep.l1"),
)
def topk_over_l1(r: Results) -> Verdict:
    """Keeping the k largest activations beats penalising their sum."""
    return _better(r, "topk", "l1")


@claim(
    "l03-gated-over-l1",
    paper=PAPER,
    source=GATED,
    published="a Pareto improvement over the L1 baseline; about half as many active features for "
    "the same fidelity",
    expected="Explained variance and loss recovered of gated minus those of L1 (October 2023) at "
    "equal L0, paired by seed: both intervals are above 0. Partly: both means are not below -0.01.",
    quantity=QUANTITY,
    figure=FRONTIER,
    rows=("sweep.gated", "sweep.l1"),
)
def gated_over_l1(r: Results) -> Verdict:
    """A separate gate, alone under the penalty, gives better reconstructions at equal sparsity."""
    variance, loss = (gap(r, "gated", "l1", name) for name in (_EV, "loss_recovered_zero"))
    both = (variance, loss)
    return Verdict(
        measured=variance.mean,
        interval=variance.interval,
        holds=graded(
            all(each.interval[0] > 0 for each in both), all(each.mean >= -EQUAL for each in both)
        ),
        detail=f"{_compared(variance)} Loss recovered differs by {fmt(loss.mean)} "
        f"({between(*loss.interval)}).",
    )


@claim(
    "l04-jumprelu-at-least-equal",
    paper=PAPER,
    source=JUMPRELU,
    published="at least as faithful as gated and TopK at equal sparsity",
    expected="Explained variance of JumpReLU minus that of TopK, and of gated, at equal L0, paired "
    "by seed: both means are not below -0.01. Partly: one of them.",
    quantity=f"{QUANTITY}, to TopK",
    figure=FRONTIER,
    rows=("sweep.jumprelu", "sweep.topk", "sweep.gated"),
)
def jumprelu(r: Results) -> Verdict:
    """A learned threshold for every latent is at least as good as TopK and gated."""
    to_topk, to_gated = (gap(r, "jumprelu", other, _EV) for other in ("topk", "gated"))
    equal = [each.mean >= -EQUAL for each in (to_topk, to_gated)]
    return Verdict(
        measured=to_topk.mean,
        interval=to_topk.interval,
        holds=graded(all(equal), any(equal)),
        detail=f"{_compared(to_topk)} To gated: {fmt(to_gated.mean)} "
        f"({between(*to_gated.interval)}).",
    )


@claim(
    "l05-matryoshka-slightly-worse",
    paper=PAPER,
    source=MATRYOSHKA,
    published="slightly worse reconstructions than BatchTopK, as the price of nested dictionaries",
    expected="Explained variance of Matryoshka minus that of BatchTopK at equal L0, paired by "
    "seed: the interval is below 0 and the mean is not below -0.1. Partly: the mean is below 0.",
    quantity=QUANTITY,
    figure=FRONTIER,
    rows=("sweep.matryoshka", "sweep.batch-topk"),
)
def matryoshka(r: Results) -> Verdict:
    """Nested dictionaries cost a little fidelity."""
    found = gap(r, "matryoshka", "batch-topk", _EV)
    worse = found.interval[1] < 0
    return Verdict(
        measured=found.mean,
        interval=found.interval,
        holds=graded(worse and found.mean >= -0.1, found.mean < 0),
        detail=_compared(found),
    )


@claim(
    "l06-april-over-october",
    paper=PAPER,
    source=APRIL,
    published="fewer than 1% of the latents dead, without resampling",
    expected="Fewer than 1% of the latents dead at every coefficient, means over seeds, and "
    "explained variance above that of October 2023 at equal L0 (interval above 0). Partly: one of "
    "the two.",
    quantity="largest share of dead latents",
    figure="architectures.html#fig-dead",
    rows=("sweep.l1-april", "sweep.l1"),
)
def april(r: Results) -> Verdict:
    """With free decoder norms and a coefficient that warms up, no latents need resampling."""
    dead = float(by_level(r, "l1-april", "dead_fraction").max())
    october = float(by_level(r, "l1", "dead_fraction").max())
    found = gap(r, "l1-april", "l1", _EV)
    alive, better = dead < 0.01, found.interval[0] > 0
    return Verdict(
        measured=dead,
        holds=graded(alive and better, alive or better),
        detail=f"October 2023, with resampling: at most {fmt(october, '%')} dead. "
        f"{_compared(found)} The mean is {fmt(found.mean)} ({between(*found.interval)}).",
    )


_EV = "explained_variance"


def _better(r: Results, row: str, other: str) -> Verdict:
    found = gap(r, row, other, _EV)
    return Verdict(
        measured=found.mean,
        interval=found.interval,
        holds=graded(found.interval[0] > 0, found.mean >= -EQUAL),
        detail=_compared(found),
    )


def _compared(found: Gap) -> str:
    seeds = ", ".join(fmt(float(value)) for value in found.by_seed)
    return f"Compared from L0 {between(found.low_l0, found.high_l0)}; by seed: {seeds}."
