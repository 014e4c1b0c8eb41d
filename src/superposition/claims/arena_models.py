"""Claims of ARENA's section 1.1: the toy models of the tutorial, and its text about them."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator

from superposition import intervals
from superposition.claims.arena import PAPER
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import SEED, graded
from superposition.results import Results
from superposition.saes.recovery import hidden_states
from superposition.values import between, fmt, of

SWEEP, LARGE, PERTURBED = "arena-five-in-two", "eighty-in-twenty", "perturbed-pentagon"
N_SAMPLES = 20_000
"""Inputs whose hidden states are looked at."""
NEAR = 5.0
"""Degrees within which a hidden state lies on a ray."""


@claim(
    "d01-arena-5-2",
    paper=PAPER,
    source="1.1, five features in two dimensions",
    published="8 models, importance 0.9^i, p = 50^(−i/7), Adam: an orthogonal pair first, a "
    "pentagon last",
    expected="Lowest-loss random start: an orthogonal pair at p = 1, a pentagon at p = 0.02. "
    "Partly: the pentagon.",
    quantity="arrangements, dense to sparse",
    figure="toy-autoencoders.html#fig-tutorial",
    rows=(f"toy.{SWEEP}",),
)
def five_in_two(r: Results) -> Verdict:
    """From dense to sparse, five features in two dimensions go from an orthogonal pair to a
    pentagon."""
    toy = r.toy(SWEEP)
    labels = toy.instances.set_index("instance")["geometry"]
    by_density = [labels.loc[toy.at(p).instance].tolist() for p in toy.densities]
    best = [found[0] for found in by_density]
    last = by_density[-1]
    pair, pentagon = best[0] == "orthogonal pair", best[-1] == "pentagon"
    n = last.count("pentagon")
    return Verdict(
        measured=", ".join(best),
        holds=graded(pair and pentagon, pentagon),
        detail=f"At the sparsest density {of(n, len(last))} random starts end as pentagons "
        f"({between(*intervals.wilson(n, len(last)), '%')}).",
    )


@claim(
    "d02-arena-text-5pct",
    paper=PAPER,
    source="1.1, text beside the figure",
    published="5% in the text; 50^(−linspace(0, 1, 8)) in the code",
    expected="The last density of the code is within a tenth of 5%. Partly: within a half.",
    quantity="density of the last model in the code",
    figure="toy-autoencoders.html#sec-tutorial",
)
def last_density(r: Results) -> Verdict:
    """At the far right, the feature probability is 5%."""
    return check_last_density(50.0 ** -np.linspace(0, 1, 8))


def check_last_density(densities: Float[np.ndarray, " model"]) -> Verdict:
    """Whether a sweep of densities ends at 5%."""
    off = abs(float(densities[-1]) / 0.05 - 1)
    return Verdict(
        measured=float(densities[-1]),
        holds=graded(off <= 0.1, off <= 0.5),
        detail=f"The densities run from {fmt(float(densities[0]), '%')} to "
        f"{fmt(float(densities[-1]), '%')}; experiments here follow the code.",
    )


@claim(
    "d03-hidden-scatter",
    paper=PAPER,
    source="1.1, scatter plots of hidden states",
    published="hidden states lie on five rays when features are sparse",
    expected="More than 90% of the hidden states that are not zero, at p = 0.02 in the best model, "
    "within 5 degrees of a feature's direction. Partly: more than 80%.",
    quantity="share of hidden states on a ray",
    figure="toy-autoencoders.html#fig-tutorial",
    rows=(f"toy.{SWEEP}",),
)
def on_rays(r: Results) -> Verdict:
    """With sparse features, the hidden states of a batch lie on the directions of the features."""
    runs = r.toy(SWEEP).at(0.02)
    p, W = runs.feature_probability, torch.from_numpy(runs.W[:1])
    generator = Generator().manual_seed(SEED)
    h = hidden_states(W, feature_probability=p, batch_size=N_SAMPLES, generator=generator)
    on, n = rays(h[0].numpy(), runs.W[0])
    share = on / n
    return Verdict(
        measured=share,
        interval=intervals.wilson(on, n),
        holds=graded(share > 0.9, share > 0.8),
        detail=f"{of(on, n)} hidden states; a share of {fmt(n / N_SAMPLES, '%')} is not zero.",
    )


def rays(h: Float[np.ndarray, "sample 2"], W: Float[np.ndarray, "feature 2"]) -> tuple[int, int]:
    """How many hidden states lie within 5 degrees of a direction, and how many are not zero."""
    active = h[np.linalg.norm(h, axis=1) > 0]
    unit = active / np.linalg.norm(active, axis=1, keepdims=True)
    directions = W / np.maximum(np.linalg.norm(W, axis=1, keepdims=True), 1e-12)
    near = (unit @ directions.T).max(axis=1) >= np.cos(np.radians(NEAR))
    return int(near.sum()), len(active)


@claim(
    "d04-arena-80-20",
    paper=PAPER,
    source="1.1, eighty features in twenty dimensions",
    published="n = 80, m = 20, importance 0.9^i, seven densities",
    expected="The matrix of dot products has rank at most 20 at every density, and the features "
    "represented grow from at most 20 at the densest to more than 40 at the sparsest. Partly: they "
    "grow.",
    quantity="features represented at the sparsest density",
    figure="toy-models.html#fig-sizes",
    rows=(f"toy.{LARGE}",),
)
def eighty_in_twenty(r: Results) -> Verdict:
    """Larger models show the same: W^T W keeps to twenty dimensions, with more and more features
    in them as sparsity grows."""
    toy = r.toy(LARGE)
    best = [toy.at(p).W[0] for p in toy.densities]
    ranks = [int(np.linalg.matrix_rank(W @ W.T, tol=1e-3)) for W in best]
    counts = [int(n) for n in toy.best["n_represented"]]
    m = best[0].shape[1]
    grows = counts[-1] > counts[0]
    return Verdict(
        measured=counts[-1],
        holds=graded(max(ranks) <= m and counts[0] <= m and counts[-1] > 2 * m, grows),
        detail=f"Represented, dense to sparse: {', '.join(map(str, counts))}; largest rank "
        f"{fmt(max(ranks))} of {fmt(m)} dimensions.",
    )


@claim(
    "d05-arena-perturb",
    paper=PAPER,
    source="1.1, bonus: varying the sparsity of one feature",
    published="16 models around p = 0.05; a pentagon turns into two digons",
    expected="Lowest-loss random start: a pentagon where all densities are equal, no pentagon "
    "where feature 1 is five times sparser, and one change between. Partly: the two ends.",
    quantity="relative density of the first best model that is no pentagon",
    figure="uneven-features.html#fig-pentagon",
    rows=(f"toy.{PERTURBED}",),
)
def perturbed(r: Results) -> Verdict:
    """As one feature becomes sparser than the others, the pentagon gives way to another
    arrangement at once."""
    best = r.toy(PERTURBED).best.sort_values("relative_density", ascending=False)
    ratios = best["relative_density"].to_numpy(dtype=float)
    represented = (best["n_represented"] == 5).to_numpy()[ratios <= 1]
    ratios = ratios[ratios <= 1]
    changes = int((np.diff(represented.astype(int)) != 0).sum())
    ends = bool(represented[0]) and not bool(represented[-1])
    lost = ratios[~represented]
    return Verdict(
        measured=float(lost[0]) if len(lost) else None,
        holds=graded(ends and changes == 1, ends),
        detail=f"All five features represented at ratios "
        f"{', '.join(fmt(float(x), 'given') for x in ratios[represented]) or 'none'}; not at "
        f"{', '.join(fmt(float(x), 'given') for x in lost) or 'none'}.",
    )
