"""The numbers of the chapter on how interpretable latents, neurons and controls are."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from superposition.artefacts import Interpretability
from superposition.claims.interpretability import F1_LEVEL
from superposition.claims.measures_interpretability import (
    Difference,
    covered,
    explained,
    more_covered,
    more_explained,
    precision_by_decile,
    rank_correlation,
)
from superposition.features.concept_scores import always_on
from superposition.features.concept_tables import EQUAL_UNITS, LEVELS, MAIN_LEVEL, MIN_ACTIVE
from superposition.interpretability_tables import ceiling
from superposition.results import Results
from superposition.sources import sourced
from superposition.values import NOT_RUN, between, fmt, of

Texts = dict[str, str]
Found = Callable[[Results], dict[str, str]]
MORE, LESS = "more often than", "less often than"
NAMED = 4
"""Concepts or groups that a sentence names."""


def texts(r: Results) -> Texts:
    """Every value of the chapter, at every scale."""
    found = _constants()
    for rows, keys, make in _PARTS:
        known = set(rows) <= set(r.rows("interpretability"))
        shown = make(r) if known else dict.fromkeys(keys, NOT_RUN)
        assert set(shown) == set(keys), f"{make.__name__} gives {sorted(shown)}"
        found |= shown
    return {f"concepts_{key}": text for key, text in found.items()}


_CONSTANTS = ("level", "levels", "min_active", "equal_units", "f1_level", "always_on_fifth")


def _constants() -> Texts:
    return {
        "level": fmt(MAIN_LEVEL, "given"),
        "levels": ", ".join(fmt(level, "given") for level in LEVELS),
        "min_active": fmt(MIN_ACTIVE),
        "equal_units": fmt(EQUAL_UNITS),
        "f1_level": fmt(F1_LEVEL, "given"),
        "always_on_fifth": fmt(float(always_on(pd.Series([0.2]).to_numpy())[0]), digits=2),
    }


_ANSWER = (
    *("answer", "topk_explained", "l1_explained", "neurons_explained", "gap", "l1_gap"),
    *("n_tokens", "n_concepts", "n_context", "n_token", "n_latents", "n_neurons"),
    *("topk_mean", "neurons_mean", "topk_all", "topk_context"),
    *("neurons_context", "single_token_latents"),
)


@sourced
def _answer(r: Results) -> Texts:
    topk, l1, neurons = (r.interpretability(row) for row in ("batch-topk", "l1", "neurons"))
    gap, l1_gap = (more_explained(each, neurons) for each in (topk, l1))
    context = more_explained(topk, neurons, "context")
    kinds = topk.coverage()["kind"].tolist()
    metrics = topk.metrics
    means = [float(_scores(each).mean()) for each in (topk, neurons)]
    return {
        "answer": _compared([gap, l1_gap]),
        "topk_explained": fmt(gap.share, "%"),
        "l1_explained": fmt(l1_gap.share, "%"),
        "neurons_explained": fmt(gap.other, "%"),
        "gap": _points(gap),
        "l1_gap": _points(l1_gap),
        "n_tokens": fmt(metrics.n_tokens),
        "n_concepts": fmt(len(kinds)),
        "n_context": fmt(kinds.count("context")),
        "n_token": fmt(kinds.count("token")),
        "n_latents": of(metrics.n_judged_units, metrics.n_units),
        "n_neurons": of(neurons.metrics.n_judged_units, neurons.metrics.n_units),
        "topk_mean": fmt(means[0], digits=2),
        "neurons_mean": fmt(means[1], digits=2),
        "topk_all": fmt(float(explained(topk).sum()) / len(topk.units), "%"),
        "topk_context": fmt(context.share, "%"),
        "neurons_context": fmt(context.other, "%"),
        "single_token_latents": fmt(metrics.single_token_units, "%"),
    }


_LEVELS = ("at_levels", "order", "mean_order")


@sourced
def _levels(r: Results) -> Texts:
    """Whether the order of latents and neurons is the same at every level, and by the mean."""
    topk, neurons = (_scores(r.interpretability(row)) for row in ("batch-topk", "neurons"))
    shares = [
        (level, float((topk >= level).mean()), float((neurons >= level).mean())) for level in LEVELS
    ]
    words = [
        f"{fmt(level, 'given')}, {fmt(first, '%')} of the BatchTopK latents and "
        f"{fmt(second, '%')} of the neurons"
        for level, first, second in shares
    ]
    ahead = {first > second for _, first, second in shares}
    same = "the same" if len(ahead) == 1 else "not the same"
    higher = "latents" if topk.mean() > neurons.mean() else "neurons"
    return {"at_levels": "; at ".join(words), "order": same, "mean_order": higher}


def _scores(found: Interpretability) -> Float[np.ndarray, " unit"]:
    return found.best("any")["mcc"].to_numpy(dtype=float)


_CONTROLS = tuple(
    f"{row}_{key}" for key in ("explained", "side", "gap") for row in ("pca", "random")
)


@sourced
def _controls(r: Results) -> Texts:
    topk = r.interpretability("batch-topk")
    shown = {}
    for row in ("pca", "random"):
        difference = more_explained(topk, r.interpretability(row))
        shown[f"{row}_explained"] = fmt(difference.other, "%")
        shown[f"{row}_side"] = _side(difference)
        shown[f"{row}_gap"] = _points(difference)
    return shown


_COVERAGE = (
    *("topk_covered", "neurons_covered", "random_covered", "topk_few", "few_gap", "few_side"),
    *("l1_covered", "token_topk", "token_neurons", "best_groups", "worst_groups"),
)


@sourced
def _coverage(r: Results) -> Texts:
    topk, l1, neurons, random = (
        r.interpretability(row) for row in ("batch-topk", "l1", "neurons", "random")
    )
    few = more_covered(topk, neurons, "context", equal_units=True)
    best, worst = _groups(r)
    return {
        "topk_covered": _count(covered(topk, "context")),
        "l1_covered": _count(covered(l1, "context")),
        "neurons_covered": _count(covered(neurons, "context")),
        "random_covered": _count(covered(random, "context")),
        "token_topk": _count(covered(topk, "token")),
        "token_neurons": _count(covered(neurons, "token")),
        "topk_few": fmt(few.share, "%"),
        "few_gap": _points(few),
        "few_side": _side(few),
        "best_groups": best,
        "worst_groups": worst,
    }


@sourced
def _groups(r: Results) -> tuple[str, str]:
    """The groups of concepts with the largest and with the smallest shares covered by latents."""
    groups = r.concepts.catalogue.set_index("concept")["group"]
    found = covered(r.interpretability("batch-topk"))
    by_group = pd.DataFrame(found.groupby(groups.reindex(found.index)).agg(["mean", "size"]))
    ordered = by_group.sort_values(by=["mean", "size"], ascending=False, kind="stable")
    words = [
        f"{name} ({of(round(share * size), size)})"
        for name, share, size in zip(ordered.index, ordered["mean"], ordered["size"], strict=True)
    ]
    return ", ".join(words[:NAMED]) or "none", ", ".join(words[::-1][:NAMED]) or "none"


_FLATTERY = ("neurons_f1", "neurons_f1_flattered", "latents_f1", "latents_f1_flattered")


@sourced
def _flattery(r: Results) -> Texts:
    shown = {}
    for row, name in (("neurons", "neurons"), ("batch-topk", "latents")):
        best = r.interpretability(row).best("any", chosen_by="f1")
        like = best.loc[best["f1"] >= F1_LEVEL]
        shown[f"{name}_f1"] = fmt(len(like) / max(len(best), 1), "%")
        shown[f"{name}_f1_flattered"] = of(int((like["mcc"] < F1_LEVEL).sum()), len(like))
    return shown


_DECILES = ("weakest", "strongest", "rising", "neurons_weakest", "neurons_strongest")


@sourced
def _deciles(r: Results) -> Texts:
    shown = {}
    for row, prefix in (("batch-topk", ""), ("neurons", "neurons_")):
        precision = precision_by_decile(r.interpretability(row), "context")
        ends = precision.mean(axis=0) if len(precision) else [float("nan")] * 2
        shown[f"{prefix}weakest"] = fmt(float(ends[0]), "%")
        shown[f"{prefix}strongest"] = fmt(float(ends[-1]), "%")
        if not prefix:
            rising = rank_correlation(precision) > 0
            shown["rising"] = of(int(rising.sum()), len(rising))
    return shown


_CEILING = ("probe_median", "latent_median", "probe_covered", "beyond", "missed")


@sourced
def _ceiling(r: Results) -> Texts:
    if "main" not in r.rows("probes"):
        return dict.fromkeys(_CEILING, NOT_RUN)
    points = ceiling(r)
    probe, latent = (points[name].to_numpy(dtype=float) for name in ("probe", "latent"))
    widest = points.iloc[np.argsort(latent - probe, kind="stable")[:NAMED]]
    named = [
        f"{name} ({fmt(float(found), digits=2)} against {fmt(float(could), digits=2)})"
        for name, found, could in zip(
            widest["name"], widest["latent"], widest["probe"], strict=True
        )
    ]
    return {
        "probe_median": fmt(float(np.median(probe)), digits=2),
        "latent_median": fmt(float(np.median(latent)), digits=2),
        "probe_covered": of(int((probe >= MAIN_LEVEL).sum()), len(points)),
        "beyond": of(int((probe < latent).sum()), len(points)),
        "missed": ", ".join(named) or "none",
    }


_SHUFFLED = (
    *("shuffled_context", "second_context", "shuffled_gap", "shuffled_side", "second_gap"),
    *("shuffled_token_covered", "shuffled_context_covered", "shuffled_single_token"),
)


@sourced
def _shuffled(r: Results) -> Texts:
    topk, second, shuffled = (
        r.interpretability(row)
        for row in ("batch-topk", "batch-topk-second-model", "batch-topk-shuffled")
    )
    gap, second_gap = (more_explained(each, shuffled, "context") for each in (topk, second))
    return {
        "shuffled_context": fmt(gap.other, "%"),
        "second_context": fmt(second_gap.share, "%"),
        "shuffled_gap": _points(gap),
        "shuffled_side": _side(gap),
        "second_gap": _points(second_gap),
        "shuffled_token_covered": _count(covered(shuffled, "token")),
        "shuffled_context_covered": _count(covered(shuffled, "context")),
        "shuffled_single_token": fmt(shuffled.metrics.single_token_units, "%"),
    }


def _compared(differences: Sequence[Difference]) -> str:
    """Whether latents are explained more often than neurons, in words."""
    sides = {_side(difference) for difference in differences}
    if sides == {MORE}:
        return "yes, by a margin that is not chance, for both autoencoders"
    if sides == {MORE, LESS}:
        return "for one of the two autoencoders yes, and for the other the reverse"
    if MORE in sides:
        return "for one of the two autoencoders only"
    return "no" if LESS in sides else "not clearly"


def _side(difference: Difference) -> str:
    low, high = difference.interval
    if low > 0:
        return MORE
    return LESS if high < 0 else "about as often as"


def _points(difference: Difference) -> str:
    """The difference of two shares with its interval."""
    return f"{fmt(difference.value, '%')} ({between(*difference.interval, '%')})"


def _count(found: pd.Series) -> str:
    return of(int(found.sum()), len(found))


_PARTS: tuple[tuple[Sequence[str], tuple[str, ...], Found], ...] = (
    (("batch-topk", "l1", "neurons"), _ANSWER, _answer),
    (("batch-topk", "neurons", "pca", "random"), _CONTROLS, _controls),
    (("batch-topk", "l1", "neurons", "random"), _COVERAGE, _coverage),
    (("batch-topk", "neurons"), _LEVELS, _levels),
    (("batch-topk", "neurons"), _FLATTERY, _flattery),
    (("batch-topk", "neurons"), _DECILES, _deciles),
    (("batch-topk",), _CEILING, _ceiling),
    (("batch-topk", "batch-topk-second-model", "batch-topk-shuffled"), _SHUFFLED, _shuffled),
)
"""The experiments that a group of values needs, their names, and what computes them."""
_KEYS = (_CONSTANTS, *(keys for _, keys, _ in _PARTS))
NAMES = tuple(f"concepts_{key}" for keys in _KEYS for key in keys)
"""Names of the values, at every scale."""
