"""The numbers of the chapters on toy autoencoders: known features, the recipe, the wrong L0."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from superposition import intervals
from superposition.claims.arena_comparisons import TRENDING, steps_to_all
from superposition.claims.toy_saes import between_variants, deaths, means
from superposition.results import Results
from superposition.sources import sourced
from superposition.values import NOT_RUN, between, fmt, of

Texts = dict[str, str]
SEED = 0
"""Of the bootstraps."""
ARCHITECTURES = ("l1", "l1-april", "gated", "jumprelu", "topk", "batch-topk", "matryoshka")
_BRIDGE = ("true_l0", "features", "instances", "best", "best_cosine", "worst", "worst_cosine")
_LEVELS = ("low_cosine", "true_cosine", "high_cosine", "best_k", "low_mixed", "true_mixed")
_PENTAGON = ("instances", *(name.replace("-", "_") for name in TRENDING), "tied", "five", "ten")
_DEAD = ("rate", "batches", "repeated", "steps")
_RECIPE = ("projection", "tied", "rate", "published_dead", "instances", "median_cosine")
_PARTS = {
    "bridge": _BRIDGE,
    "plain_l0": _LEVELS,
    "mixed_l0": _LEVELS,
    "pentagon": _PENTAGON,
    "recipe": _RECIPE,
    "dead": _DEAD,
}
NAMES = tuple(f"known_{prefix}_{key}" for prefix, keys in _PARTS.items() for key in keys)
"""Names of the values, at every scale."""


def texts(r: Results) -> Texts:
    """Every value of the chapters, at every scale."""
    found = _or_not_run(r, ["architectures"], "bridge", _BRIDGE, _bridge)
    for row, prefix in (("wrong-l0", "plain_l0"), ("wrong-l0-correlated", "mixed_l0")):
        found |= _or_not_run(r, [row], prefix, _LEVELS, lambda r, row=row: _levels(r, row))
    found |= _or_not_run(r, ["pentagon"], "pentagon", _PENTAGON, _pentagon)
    found |= _or_not_run(r, ["recipe"], "recipe", _RECIPE, _recipe)
    return found | _or_not_run(r, ["recipe", "recipe-repeated"], "dead", _DEAD, _deaths)


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


@sourced
def _bridge(r: Results) -> list[str]:
    found = r.toy_comparison("architectures")
    cosine = found.paired("matched_cosine")
    order = sorted(cosine, key=lambda name: float(cosine[name].mean()))
    best, worst = order[-1], order[0]
    return [
        fmt(float(found.paired("true_l0")[best].mean())),
        fmt(int(found.paired("n_features")[best].max())),
        fmt(len(cosine[best])),
        best,
        _with_interval(cosine[best]),
        worst,
        _with_interval(cosine[worst]),
    ]


@sourced
def _levels(r: Results, row: str) -> list[str]:
    found = r.toy_comparison(row)
    cosine, mixed = found.paired("matched_cosine"), means(found.paired("mixed"))
    best = max(cosine, key=lambda name: float(cosine[name].mean())).removeprefix("k-")
    shown = [_with_interval(cosine[name]) for name in ("k-1", "k-3", "k-12")]
    return [*shown, best, fmt(mixed["k-1"]), fmt(mixed["k-3"])]


@sourced
def _pentagon(r: Results) -> list[str]:
    found = r.toy_comparison("pentagon")
    recovered = found.paired("recovered")
    n = len(recovered["none"])
    complete = [of(int((recovered[name] == 5).sum()), n) for name in TRENDING]
    steps = [steps_to_all(found.trace, name) for name in ("none", "ten-latents")]
    return [
        fmt(n),
        *complete,
        of(int((recovered["tied"] == 5).sum()), n),
        *(fmt(float(each.mean())) for each in steps),
    ]


@sourced
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
        fmt(len(found.paired("dead")["as-published"])),
        fmt(float(np.median(alive["encoder_decoder_cosine"].to_numpy(dtype=float)))),
    ]


@sourced
def _deaths(r: Results) -> list[str]:
    return [each.words() for each in deaths(r).values()]


def _with_interval(cases: Float[np.ndarray, " instance"]) -> str:
    return f"{fmt(float(cases.mean()))} ({between(*intervals.mean(cases, seed=SEED))})"
