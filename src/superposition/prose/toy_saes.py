"""The numbers of the chapters on toy autoencoders: known features, the recipe, the wrong L0."""

from collections.abc import Callable

import pandas as pd

from superposition import intervals
from superposition.claims.arena_comparisons import TRENDING, steps_to_all
from superposition.claims.toy_saes import between_variants, deaths
from superposition.results import Results
from superposition.values import NOT_RUN, between, fmt, of

Texts = dict[str, str]
SEED = 0
"""Of the bootstraps."""
ARCHITECTURES = ("l1", "l1-april", "gated", "jumprelu", "topk", "batch-topk", "matryoshka")
_BRIDGE = ("true_l0", "features", "instances", "best", "best_cosine", "worst", "worst_cosine")
_LEVELS = ("low_cosine", "true_cosine", "high_cosine", "best_k", "low_mixed", "true_mixed")
_PENTAGON = ("instances", *(name.replace("-", "_") for name in TRENDING), "tied", "five", "ten")
_RECIPE = ("projection", "tied", "rate", "published_dead", "instances", "median_cosine")


def texts(r: Results) -> Texts:
    """Every value of the chapters, at every scale."""
    found = _or_not_run(r, ["architectures"], "bridge", _BRIDGE, _bridge)
    for row, prefix in (("wrong-l0", "plain_l0"), ("wrong-l0-correlated", "mixed_l0")):
        found |= _or_not_run(r, [row], prefix, _LEVELS, lambda r, row=row: _levels(r, row))
    found |= _or_not_run(r, ["pentagon"], "pentagon", _PENTAGON, _pentagon)
    found |= _or_not_run(r, ["recipe"], "recipe", _RECIPE, _recipe)
    dead = ("rate", "batches", "repeated", "steps")
    return found | _or_not_run(r, ["recipe", "recipe-repeated"], "dead", dead, _deaths)


def _or_not_run(
    r: Results,
    rows: list[str],
    prefix: str,
    keys: tuple[str, ...],
    found: Callable[[Results], list[str]],
) -> Texts:
    """The values by name, or NOT_RUN for each if a row is left out."""
    known = set(rows) <= set(r.rows("toy_comparison"))
    shown = found(r) if known else [NOT_RUN] * len(keys)
    return dict(zip([f"known_{prefix}_{key}" for key in keys], shown, strict=True))


def _bridge(r: Results) -> list[str]:
    found = r.toy_comparison("architectures")
    cosine = found.paired("matched_cosine")
    means = cosine.mean()
    best, worst = str(means.idxmax()), str(means.idxmin())
    return [
        fmt(float(found.instances["true_l0"].mean())),
        fmt(int(found.instances["n_features"].max())),
        fmt(len(cosine)),
        best,
        _with_interval(cosine[best]),
        worst,
        _with_interval(cosine[worst]),
    ]


def _levels(r: Results, row: str) -> list[str]:
    found = r.toy_comparison(row)
    cosine, mixed = found.paired("matched_cosine"), found.paired("mixed").mean()
    best = str(cosine.mean().idxmax()).removeprefix("k-")
    shown = [_with_interval(cosine[name]) for name in ("k-1", "k-3", "k-12")]
    return [*shown, best, fmt(float(mixed["k-1"])), fmt(float(mixed["k-3"]))]


def _pentagon(r: Results) -> list[str]:
    found = r.toy_comparison("pentagon")
    recovered = found.paired("recovered")
    complete = [of(int((recovered[name] == 5).sum()), len(recovered)) for name in TRENDING]
    steps = [steps_to_all(found.trace, name) for name in ("none", "ten-latents")]
    return [
        fmt(len(recovered)),
        *complete,
        of(int((recovered["tied"] == 5).sum()), len(recovered)),
        *(fmt(float(each.mean())) for each in steps),
    ]


def _recipe(r: Results) -> list[str]:
    found = r.toy_comparison("recipe")
    recovered = [
        between_variants(found, "recovered", name, "as-published").words()
        for name in ("gradients-not-projected", "tied", "rate-higher")
    ]
    own = found.latents.loc[found.latents["variant"] == "as-published"]
    alive = own.loc[own["kind"] != "dead"]
    return [
        *recovered,
        fmt(float(found.paired("dead")["as-published"].mean())),
        fmt(len(found.paired("dead"))),
        fmt(float(alive["encoder_decoder_cosine"].median())),
    ]


def _deaths(r: Results) -> list[str]:
    return [each.words() for each in deaths(r).values()]


def _with_interval(values: "pd.Series[float]") -> str:
    cases = values.to_numpy(dtype=float)
    return f"{fmt(float(cases.mean()))} ({between(*intervals.mean(cases, seed=SEED))})"
