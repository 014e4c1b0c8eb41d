"""Claims of ARENA's "Superposition & Sparse Autoencoders", section 1.6: autoencoders on toys."""

import numpy as np

from superposition import intervals
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import SEED, graded
from superposition.results import Results
from superposition.values import between, fmt, of

PAPER = "Superposition & Sparse Autoencoders (ARENA)"
TARGET = "toy.sae-target"


@claim(
    "d09-toy-target",
    paper=PAPER,
    source="1.6, the toy model to be decoded",
    published="pentagons in 8 of 8 instances at p = 0.01, uniform importance",
    expected="All models are pentagons (angles within 72 ± 10 degrees). Partly: at least half.",
    quantity="share of models that are pentagons",
    figure="toy-autoencoders.html#fig-target",
    rows=(TARGET,),
)
def target_is_pentagon(r: Results) -> Verdict:
    """Five equally important, very sparse features in two dimensions form a pentagon in every
    instance."""
    runs = r.toy("sae-target").at(0.01)
    labels = r.toy("sae-target").instances["geometry"].tolist()
    n_pentagons, n = labels.count("pentagon"), len(labels)
    total = runs.dimensionality.sum(axis=1)
    return Verdict(
        measured=n_pentagons / n,
        interval=intervals.wilson(n_pentagons, n),
        holds=graded(n_pentagons == n, n_pentagons >= n / 2),
        detail=f"{of(n_pentagons, n)} models are pentagons; dimensionalities sum to "
        f"{between(float(total.min()), float(total.max()), digits=4)} of 2 dimensions.",
    )


@claim(
    "d11-toy-no-resample",
    paper=PAPER,
    source="1.6, training without resampling",
    published="sometimes all five features, mostly dead latents",
    expected="Fewer than five recovered on average (decoder cosine above 0.95, active) and "
    "all five in at most a quarter of the instances. Partly: in less than half.",
    quantity="features recovered of five, mean over instances",
    figure="toy-autoencoders.html#fig-recovery",
    rows=(TARGET, "toy_sae.no-resampling"),
)
def without_resampling(r: Results) -> Verdict:
    """Without resampling, the autoencoder usually does not learn all five features, because some of
    its latents die."""
    recovered, n_features = _recovered(r, "no-resampling")
    complete = float((recovered == n_features).mean())
    misses = float(recovered.mean()) < n_features
    return Verdict(
        measured=float(recovered.mean()),
        interval=intervals.mean(recovered, seed=SEED),
        holds=graded(misses and complete <= 0.25, misses and complete < 0.5),
        detail=_by_instance(recovered),
    )


@claim(
    "d13-toy-resample-simple",
    paper=PAPER,
    source="1.6, simple resampling",
    published="dead latents get random directions and find the missing features",
    expected="All five features in at least three quarters of the instances, and more on average "
    "than without. Partly: more on average, the 95% interval of the gain above 0.",
    quantity="share of instances that recover all five",
    figure="toy-autoencoders.html#fig-recovery",
    rows=(TARGET, "toy_sae.no-resampling", "toy_sae.random-resampling"),
)
def random_resampling(r: Results) -> Verdict:
    """Giving dead latents new random directions lets the autoencoder find the missing features."""
    recovered, n_features = _recovered(r, "random-resampling")
    without, _ = _recovered(r, "no-resampling")
    n_complete = int((recovered == n_features).sum())
    gain = intervals.difference(recovered, without, seed=SEED)
    more = float(recovered.mean()) > float(without.mean())
    return Verdict(
        measured=n_complete / len(recovered),
        interval=intervals.wilson(n_complete, len(recovered)),
        holds=graded(more and n_complete / len(recovered) >= 0.75, gain[0] > 0),
        detail=f"{_by_instance(recovered)} Against none: "
        f"{fmt(float(recovered.mean() - without.mean()))} more on average ({between(*gain)}).",
    )


@claim(
    "d14-toy-resample-advanced",
    paper=PAPER,
    source="1.6, advanced resampling",
    published="all five features recovered",
    expected="All five features in at least 7 of 8 instances, mean best cosine above 0.97. "
    "Partly: in at least half of the instances.",
    quantity="share of instances that recover all five",
    figure="toy-autoencoders.html#fig-recovery",
    rows=(TARGET, "toy_sae.loss-weighted-resampling"),
)
def loss_weighted_resampling(r: Results) -> Verdict:
    """Resampling dead latents towards inputs with a high loss recovers all five features."""
    recovered, n_features = _recovered(r, "loss-weighted-resampling")
    cosine = float(r.toy_sae("loss-weighted-resampling").recovery["cosine"].to_numpy().mean())
    n_complete = int((recovered == n_features).sum())
    share = n_complete / len(recovered)
    return Verdict(
        measured=share,
        interval=intervals.wilson(n_complete, len(recovered)),
        holds=graded(share >= 7 / 8 and cosine > 0.97, share >= 0.5),
        detail=f"{_by_instance(recovered)} Mean best cosine {fmt(cosine)}.",
    )


def _recovered(r: Results, row: str) -> tuple[np.ndarray, int]:
    """Features recovered by each instance, and how many there are."""
    runs = r.toy_sae(row)
    return runs.recovered.astype(float), len(set(runs.recovery["feature"]))


def _by_instance(recovered: np.ndarray) -> str:
    return f"Recovered, instance by instance: {', '.join(f'{n:.0f}' for n in recovered)}."
