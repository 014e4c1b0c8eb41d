"""Claims about dictionary learning that known features can settle: the recipe, and the wrong L0.

Variants share inputs and random starts, so every difference is paired by instance.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from superposition import intervals
from superposition.artefacts import ToyComparison
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import SEED, graded
from superposition.claims.monosemanticity import PAPER
from superposition.results import Results
from superposition.values import between, fmt, of

RECIPE = "toy_comparison.recipe"
PAGE = "known-features.html"


class Gain(NamedTuple):
    """How much more of something one variant has than another."""

    mean: float
    """Mean paired difference over instances."""
    interval: intervals.Interval
    """95% interval of it, by the bootstrap over instances."""
    each: Float[np.ndarray, " instance"]
    """The differences."""

    @property
    def is_sure(self) -> bool:
        """Whether the interval lies above 0."""
        return self.interval[0] > 0

    def words(self) -> str:
        """The mean and its interval."""
        return f"{fmt(self.mean)} ({between(*self.interval)})"


def gain(more: Float[np.ndarray, " instance"], less: Float[np.ndarray, " instance"]) -> Gain:
    """The paired difference `more` - `less`."""
    each = more - less
    return Gain(float(each.mean()), intervals.mean(each, seed=SEED), each)


def between_variants(found: ToyComparison, column: str, more: str, less: str) -> Gain:
    """The gain of the variant `more` over `less` in a column of instances."""
    table = found.paired(column)
    return gain(table[more], table[less])


def means(
    table: Mapping[str, Float[np.ndarray, " instance"]], names: Sequence[str] = ()
) -> dict[str, float]:
    """The mean of each variant in `names`, or of all."""
    return {name: float(table[name].mean()) for name in names or table}


@claim(
    "b06-resampling-helps",
    paper=PAPER,
    source="Appendix, neuron resampling",
    published="no number; the alternatives are no resampling and new initial weights",
    expected="Mean features recovered: loss-weighted above reinitialised above none, mean final "
    "loss the other way round; loss-weighted recovers more than none (95% interval of the paired "
    "difference above 0); and the median loss after a resampling is above that before. Partly: "
    "the interval alone.",
    quantity="features that resampling by loss gains over none, of five",
    figure=f"{PAGE}#fig-resampling",
    rows=("toy.sae-target", "toy_comparison.pentagon"),
)
def resampling_helps(r: Results) -> Verdict:
    """Resampling dead latents by loss finds more features, at a lower loss, than drawing new
    initial weights or doing nothing; each resampling makes the loss jump."""
    found = r.toy_comparison("pentagon")
    order = ["none", "reinitialise", "loss-weighted"]
    recovered, loss = (means(found.paired(name), order) for name in ("recovered", "loss"))
    gained = between_variants(found, "recovered", "loss-weighted", "none")
    spike = spikes(found.trace.loc[found.trace["variant"] == "loss-weighted"])
    rises = bool((np.diff([*recovered.values()]) > 0).all())
    falls = bool((np.diff([*loss.values()]) < 0).all())
    jumps = len(spike) > 0 and float(np.median(spike)) > 1
    by_name = "; ".join(
        f"{name} {fmt(recovered[name])} features at loss {fmt(loss[name])}" for name in order
    )
    jump = fmt(float(np.median(spike))) if len(spike) else "no resampling happened"
    return Verdict(
        measured=gained.mean,
        interval=gained.interval,
        holds=graded(rises and falls and jumps and gained.is_sure, gained.is_sure),
        detail=f"{by_name}. Loss after over before a resampling, median: {jump}.",
    )


def spikes(trace: pd.DataFrame) -> Float[np.ndarray, " event"]:
    """Loss just after over just before each resampling that had a dead latent to act on."""
    ratios = []
    for _, one in trace.sort_values("step").groupby("instance"):
        step, loss, alive = (one[name].to_numpy(dtype=float) for name in ("step", "loss", "alive"))
        most = alive.max()
        around = np.flatnonzero((np.diff(step) == 1) & (alive[:-1] < most))
        ratios += list(loss[around + 1] / loss[around])
    return np.array(ratios, dtype=float)


@claim(
    "b07-grad-projection",
    paper=PAPER,
    source="Appendix, sparse autoencoder setup",
    published="a small but real reduction of the total loss",
    expected="Without the projection the final loss is higher: 95% interval of the paired "
    "difference above 0. Partly: it is higher on average.",
    quantity="increase of the final loss without the projection, share of the loss",
    figure=f"{PAGE}#fig-ablations",
    rows=("toy.fifty-in-twenty", RECIPE),
)
def projection_helps(r: Results) -> Verdict:
    """Removing the part of the gradient that is parallel to the dictionary vectors before Adam's
    step gives a small but real reduction of the total loss."""
    loss = r.toy_comparison("recipe").paired("loss")
    base = loss["as-published"]
    found = gain(loss["gradients-not-projected"] / base, np.ones(len(base)))
    return Verdict(
        measured=found.mean,
        interval=found.interval,
        holds=graded(found.is_sure, found.mean > 0),
        detail=f"Higher without it in {of(int((found.each > 0).sum()), len(base))} instances; mean "
        f"loss with it {fmt(float(base.mean()))}.",
    )


@claim(
    "b08-bias-helps",
    paper=PAPER,
    source="Appendix, pre-encoder bias",
    published="no number",
    expected="Inputs with an offset of length 3: more features recovered with the pre-encoder bias "
    "than without (95% interval of the paired difference above 0). Partly: more on average.",
    quantity="features gained, of fifty",
    figure=f"{PAGE}#fig-ablations",
    rows=("toy.fifty-in-twenty", "toy_comparison.offset"),
)
def bias_helps(r: Results) -> Verdict:
    """Subtracting the decoder's bias from the encoder's input improves what autoencoders find in
    toy models."""
    found = r.toy_comparison("offset")
    gained = between_variants(found, "recovered", "with-pre-encoder-bias", "without")
    mean = means(found.paired("recovered"))
    return Verdict(
        measured=gained.mean,
        interval=gained.interval,
        holds=graded(gained.is_sure, gained.mean > 0),
        detail=f"Recovered with it {fmt(mean['with-pre-encoder-bias'])}, without "
        f"{fmt(mean['without'])}, means over {fmt(len(gained.each))} instances.",
    )


@claim(
    "b09-untied",
    paper=PAPER,
    source="Appendix, decoder weights are not tied",
    published="no number; the open replication has a median cosine of 0.5 in a larger model",
    expected="Median cosine of an active latent's encoder vector and decoder row below 0.95; and "
    "where the two nearest decoder rows have a cosine above 0.1, the encoder vectors of that pair "
    "have a smaller one in more than 75% of cases. Partly: one of the two.",
    quantity="share of near pairs whose encoder vectors are further apart",
    figure=f"{PAGE}#fig-encoders",
    rows=("toy.fifty-in-twenty", RECIPE),
)
def encoders_tilt_apart(r: Results) -> Verdict:
    """Encoder vectors differ from the dictionary vectors: for features that are similar they are
    tilted apart, which separates them better."""
    latents = r.toy_comparison("recipe").latents
    own = latents.loc[(latents["variant"] == "as-published") & (latents["kind"] != "dead")]
    median = float(np.median(own["encoder_decoder_cosine"].to_numpy(dtype=float)))
    decoder = own["neighbour_cosine"].to_numpy(dtype=float)
    near = decoder > 0.1
    n_near = int(near.sum())
    encoder = own["neighbour_encoder_cosine"].to_numpy(dtype=float)
    apart = int((near & (encoder < decoder)).sum())
    share = apart / n_near if n_near else 0.0
    return Verdict(
        measured=share,
        interval=intervals.wilson(apart, n_near) if n_near else None,
        holds=graded(median < 0.95 and share > 0.75, median < 0.95 or share > 0.75),
        detail=f"{of(apart, n_near)} near pairs; median cosine of encoder and decoder "
        f"{fmt(median)}. The interval takes pairs as independent.",
    )


@claim(
    "b10-lower-lr",
    paper=PAPER,
    source="Appendix, learning rate sweep",
    published="no number; annealing did not help",
    expected="At the longer budget, a rate of 1e-2 against 1e-1: lower final loss and more "
    "features recovered (95% intervals of both paired differences above 0), and a larger gain in "
    "loss than at a third of the steps. Partly: one of the intervals.",
    quantity="features gained by the lower rate, of fifty",
    figure=f"{PAGE}#fig-ablations",
    rows=("toy.fifty-in-twenty", RECIPE),
)
def lower_rate(r: Results) -> Verdict:
    """A lower learning rate gives a lower loss and more real features if training is long enough
    for it."""
    found = r.toy_comparison("recipe")
    loss = between_variants(found, "loss", "rate-higher", "as-published")
    short = between_variants(found, "loss", "rate-higher-short", "short")
    features = between_variants(found, "recovered", "as-published", "rate-higher")
    lowest = means(found.paired("recovered"))["rate-lower"]
    both = loss.is_sure and features.is_sure and loss.mean > short.mean
    return Verdict(
        measured=features.mean,
        interval=features.interval,
        holds=graded(both, loss.is_sure or features.is_sure),
        detail=f"Loss saved at the longer budget {loss.words()}, at the shorter {short.words()}. A "
        f"rate lower still recovers {fmt(lowest)} features on average.",
    )


@claim(
    "b11-dead-causes",
    paper=PAPER,
    source="Appendix, neuron resampling",
    published="no number",
    expected="Dead latents become more, on average over paired instances, with each of four "
    "changes: a rate ten times higher, batches of an eighth, data repeated from two batches, three "
    "times the steps. Partly: with at least two of them.",
    quantity="changes that make more latents die, of four",
    figure=f"{PAGE}#fig-dead",
    rows=("toy.fifty-in-twenty", RECIPE, "toy_comparison.recipe-repeated"),
)
def causes_of_death(r: Results) -> Verdict:
    """Latents die more often if the learning rate is too high, the batches are too small, data is
    repeated, or training goes on for longer."""
    found = deaths(r)
    more = [name for name, each in found.items() if each.mean > 0]
    words = "; ".join(f"{name} {each.words()}" for name, each in found.items())
    return Verdict(
        measured=len(more),
        holds=graded(len(more) == len(found), len(more) >= 2),
        detail=f"Dead latents more, of fifty: {words}.",
    )


def deaths(r: Results) -> dict[str, Gain]:
    """How many more latents die by each change, with its name."""
    dead = r.toy_comparison("recipe").paired("dead")
    repeated = r.toy_comparison("recipe-repeated").paired("dead")["repeated"]
    base, short = dead["as-published"], dead["short"]
    return {
        "higher rate": gain(dead["rate-higher"], base),
        "smaller batches": gain(dead["batches-smaller"], base),
        "repeated data": gain(repeated, base),
        "more steps": gain(base, short),
    }
