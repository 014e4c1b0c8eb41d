"""Claims on how interpretable latents are, judged by concepts that are known for every token.

Towards Monosemanticity judged by human raters and by a language model. Here a parser knows what
each token is, and a unit is *explained* if its activity tells one of the concepts: with a Matthews
correlation of at least 0.5 on text that nothing was chosen by. The thresholds below are ours.
"""

import numpy as np

from superposition import intervals
from superposition.artefacts import NotTrained
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import SEED, graded
from superposition.claims.measures_interpretability import (
    Difference,
    covered,
    more_covered,
    more_explained,
    precision_by_decile,
    rank_correlation,
)
from superposition.features.concept_scores import always_on
from superposition.results import Results
from superposition.values import fmt, of

PAPER = "Towards Monosemanticity"
FIGURE = "interpretability.html#fig-explained"
CEILING_SLACK = 0.02
"""Matthews correlation by which a latent may exceed the probe: both are estimates."""
F1_LEVEL = 0.3
"""F1 that looks like a match; also the correlation below which it is none."""


def rows(*names: str) -> tuple[str, ...]:
    """The experiments that a claim needs."""
    return tuple(f"interpretability.{name}" for name in names)


@claim(
    "b38-explained-neurons",
    paper=PAPER,
    source="Manual human analysis; automated interpretability",
    published="median rating 12 of 14 for latents and 0 for neurons; explanations by a language "
    "model predict latents better than neurons",
    expected="The share of latents that are explained (Matthews correlation of at least 0.5 with a "
    "concept, on the half of the text that nothing was chosen by) exceeds that of neurons, with a "
    "95% interval of the difference above 0, for both autoencoders. Partly: for one of them.",
    quantity="share of BatchTopK latents explained minus that of neurons",
    figure=FIGURE,
    rows=rows("batch-topk", "l1", "neurons"),
)
def explained_more_than_neurons(r: Results) -> Verdict:
    """Latents are far more interpretable than neurons, to human raters and to a language model."""
    neurons = r.interpretability("neurons")
    found = {row: more_explained(r.interpretability(row), neurons) for row in ("batch-topk", "l1")}
    above = [difference.above_zero for difference in found.values()]
    parts = "; ".join(difference.words(row, "neurons") for row, difference in found.items())
    return Verdict(
        measured=found["batch-topk"].value,
        interval=found["batch-topk"].interval,
        holds=graded(all(above), any(above)),
        detail=f"Explained: {parts}.",
    )


@claim(
    "b38-explained-components",
    paper=PAPER,
    source="Problem setup: what makes a good decomposition",
    published="a control that the paper lacks; it argues that a basis cannot hold more features "
    "than dimensions",
    expected="The share of BatchTopK latents that are explained exceeds that of the ends of the "
    "principal components, with a 95% interval of the difference above 0. Partly: it exceeds it.",
    quantity="share of BatchTopK latents explained minus that of ends of principal components",
    figure=FIGURE,
    rows=rows("batch-topk", "pca"),
)
def explained_more_than_components(r: Results) -> Verdict:
    """An overcomplete dictionary finds meanings that no rotation of the neurons shows."""
    return _more(more_explained(r.interpretability("batch-topk"), r.interpretability("pca")), "pca")


@claim(
    "b38-explained-random",
    paper=PAPER,
    source="Problem setup: what makes a good decomposition",
    published="a control that the paper lacks",
    expected="The share of BatchTopK latents that are explained exceeds that of the ends of random "
    "directions, with a 95% interval of the difference above 0. Partly: it exceeds it.",
    quantity="share of BatchTopK latents explained minus that of ends of random directions",
    figure=FIGURE,
    rows=rows("batch-topk", "random"),
)
def explained_more_than_random(r: Results) -> Verdict:
    """The directions of the dictionary mean more than any directions would."""
    difference = more_explained(r.interpretability("batch-topk"), r.interpretability("random"))
    return _more(difference, "random directions")


@claim(
    "b44-explained-context",
    paper=PAPER,
    source="Do features tell us about the model or the data?",
    published="latents of a transformer with shuffled weights: many respond to a single token, "
    "no others could be interpreted",
    expected="The share of latents explained by a concept that the token alone does not give away "
    "exceeds that of the transformer with shuffled weights, with 95% intervals above 0, for the "
    "main autoencoder and for the one on a second transformer, which was trained as long as the "
    "one on shuffled weights. Partly: for one of them.",
    quantity="share of BatchTopK latents explained by a context concept minus that of the latents "
    "of a shuffled transformer",
    figure="interpretability.html#fig-shuffled",
    rows=rows("batch-topk", "batch-topk-second-model", "batch-topk-shuffled"),
)
def contexts_need_training(r: Results) -> Verdict:
    """Latents that respond to context, and not to one token, come from what the model has learned:
    a model with shuffled weights has hardly any."""
    shuffled = r.interpretability("batch-topk-shuffled")
    found = {
        row: more_explained(r.interpretability(row), shuffled, "context")
        for row in ("batch-topk", "batch-topk-second-model")
    }
    above = [difference.above_zero for difference in found.values()]
    parts = "; ".join(difference.words(row, "shuffled") for row, difference in found.items())
    return Verdict(
        measured=found["batch-topk"].value,
        interval=found["batch-topk"].interval,
        holds=graded(all(above), any(above)),
        detail=f"Explained by context concepts: {parts}.",
    )


@claim(
    "b44-covered-tokens",
    paper=PAPER,
    source="Do features tell us about the model or the data?",
    published="single-token latents are found in the transformer with shuffled weights as well",
    expected="Of the concepts that the token alone gives away, the latents of the transformer with "
    "shuffled weights cover at least 80% as many as those of the main one. Partly: at least 50%.",
    quantity="token concepts covered with shuffled weights, relative to the trained ones",
    figure="interpretability.html#fig-shuffled",
    rows=rows("batch-topk", "batch-topk-shuffled"),
)
def tokens_come_for_free(r: Results) -> Verdict:
    """Latents for single tokens need no training of the model: shuffled weights give them, too."""
    trained, shuffled = (
        covered(r.interpretability(row), "token") for row in ("batch-topk", "batch-topk-shuffled")
    )
    ratio = float(shuffled.mean() / max(float(trained.mean()), np.finfo(float).tiny))
    return Verdict(
        measured=ratio,
        holds=graded(ratio >= 0.8, ratio >= 0.5),
        detail=f"Token concepts covered: {of(int(trained.sum()), len(trained))} by the latents of "
        f"the trained transformer, {of(int(shuffled.sum()), len(shuffled))} with shuffled weights.",
    )


@claim(
    "b38-coverage",
    paper=PAPER,
    source="Manual human analysis; problem setup",
    published="latents with a single meaning where neurons have none, for equal numbers looked at",
    expected="At equal numbers of units, 512 each, latents cover more context concepts than "
    "neurons, with a 95% interval of the difference above 0, for both autoencoders. Partly: only "
    "all latents together do.",
    quantity="context concepts covered by 512 BatchTopK latents minus those covered by the neurons",
    figure="interpretability.html#fig-coverage",
    rows=rows("batch-topk", "l1", "neurons"),
)
def coverage_at_equal_numbers(r: Results) -> Verdict:
    """It is not the number of latents alone: as many of them as there are neurons say more."""
    neurons = r.interpretability("neurons")
    few, every = (
        {
            row: more_covered(r.interpretability(row), neurons, "context", equal_units=equal)
            for row in ("batch-topk", "l1")
        }
        for equal in (True, False)
    )
    parts = [d.words(f"512 latents of {row}", "neurons") for row, d in few.items()]
    parts += [d.words(f"all latents of {row}", "neurons") for row, d in every.items()]
    return Verdict(
        measured=few["batch-topk"].value,
        interval=few["batch-topk"].interval,
        holds=graded(
            all(d.above_zero for d in few.values()), all(d.above_zero for d in every.values())
        ),
        detail=f"Context concepts covered: {'; '.join(parts)}.",
    )


@claim(
    "b38-probe-ceiling",
    paper=PAPER,
    source="Problem setup: features as directions",
    published="a control that the paper lacks: a latent is a threshold on a linear function of "
    "the neurons, and the best such function, found with the labels, bounds it",
    expected="On at least 90% of the concepts, the probe's Matthews correlation is at least that "
    "of the best latent, less 0.02. Partly: on at least 70%.",
    quantity="share of concepts on which the linear probe is at least as good as the best latent",
    figure="interpretability.html#fig-ceiling",
    rows=(*rows("batch-topk"), "probes.main"),
)
def probe_is_a_ceiling(r: Results) -> Verdict:
    """A latent found without labels cannot tell a concept better than a linear readout of the same
    neurons that was fitted to it."""
    latents = r.interpretability("batch-topk").coverage()["mcc"]
    if latents.empty:
        raise NotTrained("no concept with enough tokens to be judged")
    probes = r.probes("main").probes.set_index("concept")["mcc"].reindex(latents.index.tolist())
    best, probe = latents.to_numpy(dtype=float), probes.to_numpy(dtype=float)
    reached = probe >= best - CEILING_SLACK
    share = float(reached.mean())
    relative = float(np.median(best[probe > 0] / probe[probe > 0]))
    return Verdict(
        measured=share,
        interval=intervals.wilson(int(reached.sum()), len(reached)),
        holds=graded(share >= 0.9, share >= 0.7),
        detail=f"Median Matthews correlation {fmt(float(np.median(probe)))} of the probe, "
        f"{fmt(float(np.median(best)))} of the best latent; the latent reaches "
        f"{fmt(relative, '%')} of the probe's in the median.",
    )


@claim(
    "b41-concept-deciles",
    paper=PAPER,
    source="Arabic script: specificity; activation interval analysis",
    published="25% of the weakest and 98% of the strongest activations of the Arabic latent are on "
    "Arabic; stronger intervals are more consistent in general",
    expected="Over all context concepts, the precision of the best latent is higher in the tenth "
    "decile of its activation than in the first, with a 95% interval of the mean difference above "
    "0, and rises with the decile (Spearman above 0) for at least 80% of them. Partly: the mean "
    "difference alone.",
    quantity="mean precision in the strongest decile minus that in the weakest",
    figure="interpretability.html#fig-deciles",
    rows=rows("batch-topk"),
)
def specificity_rises(r: Results) -> Verdict:
    """The stronger a latent is active, the more specific it is to its context."""
    precision = precision_by_decile(r.interpretability("batch-topk"), "context")
    if not len(precision):
        raise NotTrained("no context concept whose best latent is active in every decile")
    difference = precision[:, -1] - precision[:, 0]
    low, high = intervals.mean(difference, seed=SEED)
    rising = rank_correlation(precision) > 0
    first, last = precision[:, 0].mean(), precision[:, -1].mean()
    return Verdict(
        measured=float(difference.mean()),
        interval=(low, high),
        holds=graded(low > 0 and bool(rising.mean() >= 0.8), low > 0),
        detail=f"Mean precision {fmt(float(first), '%')} in the weakest decile, "
        f"{fmt(float(last), '%')} in the strongest; it rises for "
        f"{of(int(rising.sum()), len(rising))} context concepts.",
    )


@claim(
    "b38-f1-misleads",
    paper=PAPER,
    source="Automated interpretability; a check on the measure",
    published="not in the paper: a unit that is always on has an F1 of 2b / (1 + b) on a concept "
    "of base rate b",
    expected="Of the neurons whose best F1 reaches 0.3, at least half have a Matthews correlation "
    "below 0.3 with that concept at that threshold. Partly: at least a quarter.",
    quantity="share of the neurons with an F1 of 0.3 or more whose Matthews correlation is below",
    figure="interpretability.html#fig-f1",
    rows=rows("batch-topk", "neurons"),
)
def f1_alone_misleads(r: Results) -> Verdict:
    """F1 alone makes units look interpretable that merely are often active on frequent concepts."""
    neurons, latents = (
        r.interpretability(row).best("any", chosen_by="f1") for row in ("neurons", "batch-topk")
    )
    like = neurons.loc[neurons["f1"] >= F1_LEVEL]
    misled = int((like["mcc"] < F1_LEVEL).sum())
    share = misled / max(len(like), 1)
    bound = always_on(like["base_rate"].to_numpy())
    gain = float(np.median(like["f1"] - bound)) if len(like) else float("nan")
    others = latents.loc[latents["f1"] >= F1_LEVEL]
    return Verdict(
        measured=share,
        interval=intervals.wilson(misled, len(like)) if len(like) else None,
        holds=graded(share >= 0.5, share >= 0.25),
        detail=f"{of(len(like), len(neurons))} neurons reach an F1 of 0.3, in the median "
        f"{fmt(gain)} more than a unit that is always on would; {fmt(misled)} of them have a "
        f"Matthews correlation below 0.3. Of the latents that reach it, "
        f"{of(int((others['mcc'] < F1_LEVEL).sum()), len(others))} have.",
    )


def _more(difference: Difference, other: str) -> Verdict:
    return Verdict(
        measured=difference.value,
        interval=difference.interval,
        holds=graded(difference.above_zero, difference.value > 0),
        detail=f"Explained: {difference.words('batch-topk', other)}.",
    )
