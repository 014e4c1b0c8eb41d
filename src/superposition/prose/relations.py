"""Values of the chapters on universality, on splitting, and on automata."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from superposition.artefacts import NotTrained
from superposition.claims.measures_relations import (
    average,
    by_width,
    count,
    listed,
    median,
    median_gap,
)
from superposition.features.membership import PLANTED
from superposition.results import Results
from superposition.sources import sourced
from superposition.values import NOT_RUN, between, fmt, of

Texts = dict[str, str]
Found = Callable[[Results], list[str]]

_TWO_MODELS = (
    *("uni_outcome", "uni_tokens", "uni_latents", "uni_neurons", "uni_latent", "uni_neuron"),
    *("uni_gap", "uni_null", "uni_latent_biased", "uni_neuron_biased", "uni_above_seven"),
    *("uni_logit", "uni_attribution", "uni_contexts", "uni_detected", "uni_both"),
)
_OTHERS = ("median", "null")
_SAME_MODEL = ("mmcs", "cosine")
_NEIGHBOURS = ("uni_pairs", "uni_pairs_apart")
_WIDTHS = (
    *("split_widths", "split_seeds", "split_tokens", "split_base64", "split_hexadecimal"),
    *("split_dna", "split_edges", "split_parents", "split_chance", "split_merges"),
    *("split_splits", "split_single", "split_word", "split_clusters", "split_closer"),
)
_STATES = (
    *("fsa_tokens", "fsa_top", "fsa_states", "fsa_self", "fsa_base64", "fsa_hexadecimal"),
    *("fsa_dna", "fsa_pinned", "fsa_released", "fsa_prompts", "fsa_outcome"),
)
_PAIRS = {
    "two-models": "uni_models",
    "two-starts": "uni_starts",
    "two-recipes": "uni_recipes",
    "shuffled-weights": "uni_shuffled",
}
"""How the values of a pair of autoencoders begin, by its row."""
_SAME_MODEL_PAIRS = ("two-starts", "two-recipes")
NAMES = (
    *_TWO_MODELS,
    *(f"{name}_{key}" for name in _PAIRS.values() for key in _OTHERS),
    *(f"{_PAIRS[row]}_{key}" for row in _SAME_MODEL_PAIRS for key in _SAME_MODEL),
    *(*_NEIGHBOURS, *_WIDTHS, *_STATES),
)
"""Names of the values, at every scale."""


def texts(r: Results) -> Texts:
    """Every value of the three chapters, at every scale."""
    found = _or_not_run(r, "universality", "two-models", _TWO_MODELS, _two_models)
    for row, name in _PAIRS.items():
        keys = tuple(f"{name}_{key}" for key in _OTHERS)
        found |= _or_not_run(r, "universality", row, keys, lambda r, row=row: _medians(r, row))
    for row in _SAME_MODEL_PAIRS:
        keys = tuple(f"{_PAIRS[row]}_{key}" for key in _SAME_MODEL)
        found |= _or_not_run(r, "universality", row, keys, lambda r, row=row: _cosines(r, row))
    found |= _or_not_run(r, "universality", "two-recipes", _NEIGHBOURS, _neighbours)
    found |= _or_not_run(r, "sweep", "widths", _WIDTHS, _splitting)
    return found | _or_not_run(r, "sae", "batch-topk", _STATES, _automata)


def _or_not_run(r: Results, section: str, row: str, keys: tuple[str, ...], found: Found) -> Texts:
    """The values by name, or NOT_RUN for each if the row is left out or has nothing to compare."""
    shown = [NOT_RUN] * len(keys)
    if row in r.rows(section):
        try:
            shown = found(r)
        except NotTrained:
            shown = [NOT_RUN] * len(keys)
    return dict(zip(keys, shown, strict=True))


@sourced
def _two_models(r: Results) -> list[str]:
    found = r.universality("two-models")
    latents, neurons = (_judged(found.of(kind)) for kind in ("latent", "neuron"))
    acts = latents["correlation"].to_numpy(float)
    gap, (low, high) = median_gap(acts, neurons["correlation"].to_numpy(float))
    contexts = found.contexts
    detected = contexts["f1"] > 0.5
    both = detected & (contexts["match_f1"] > 0.5)
    return [
        _outcome(low, high),
        fmt(found.metrics.n_tokens),
        fmt(len(latents)),
        fmt(len(neurons)),
        _median(latents, "correlation"),
        _median(neurons, "correlation"),
        f"{fmt(gap)} (95% interval {between(low, high)})",
        _median(latents, "null_in_sample"),
        _median(latents, "correlation_in_sample"),
        _median(neurons, "correlation_in_sample"),
        fmt(float((acts > 0.7).mean()), "%"),
        _median(latents, "logit_correlation"),
        _median(latents, "attribution_correlation"),
        fmt(len(contexts)),
        fmt(count(detected)),
        fmt(count(both)),
    ]


def _outcome(low: float, high: float) -> str:
    """Which of the two are matched better, if that is certain."""
    if low > 0:
        return "Latents are matched better than neurons"
    if high < 0:
        return "Latents are matched less well than neurons"
    return "Latents and neurons are matched about equally well, as far as the data can tell"


@sourced
def _medians(r: Results, row: str) -> list[str]:
    latents = _judged(r.universality(row).of("latent"))
    return [_median(latents, "correlation"), _median(latents, "null_in_sample")]


@sourced
def _cosines(r: Results, row: str) -> list[str]:
    latents = _judged(r.universality(row).of("latent"))
    return [
        fmt(average(latents["best_decoder_cosine"])),
        _median(latents, "decoder_cosine"),
    ]


@sourced
def _neighbours(r: Results) -> list[str]:
    pairs = r.universality("two-recipes").neighbours
    apart = count(pairs["encoder_cosine"] < pairs["decoder_cosine"])
    return [fmt(len(pairs)), fmt(apart / len(pairs), "%") if len(pairs) else "none"]


@sourced
def _splitting(r: Results) -> list[str]:
    found, given = r.splitting, r.params.value("splitting")
    latents, relatives, clusters = found.latents, found.relatives, found.clusters
    counts = {
        name: by_width(rows, "n_latents", "sum") for name, rows in found.contexts.groupby("context")
    }
    planted = [listed(counts[name]) if name in counts else "none" for name in PLANTED]
    fine, coarse = (relatives[name].to_numpy(float) for name in ("n_fine", "n_coarse"))
    shares = {
        "with_parent": fine,
        "null_with_parent": fine,
        "with_two_parents": fine,
        "with_two_children": coarse,
    }
    clear = count(clusters["p_value"] < 0.05)
    closer = count(clusters["within"] > clusters["across"])
    return [
        ", ".join(fmt(int(width)) for width in sorted(set(latents["d_sae"]))),
        fmt(len(set(latents["seed"]))),
        fmt(given["n_tokens"]),
        *planted,
        fmt(len(found.edges)),
        *(_range(relatives[name].to_numpy(float) / np.maximum(n, 1)) for name, n in shares.items()),
        ", ".join(fmt(float(s), "%") for s in by_width(latents, "single_token", "mean")),
        listed(by_width(latents, "on_commonest_word", "sum")),
        of(clear, len(clusters)),
        of(closer, len(clusters)),
    ]


@sourced
def _automata(r: Results) -> list[str]:
    given = r.params.value("automata")
    states, best = r.automata.states, r.automata.contexts
    by_latent = dict(zip(states["latent"], states["self_weight"], strict=True))
    planted = []
    for name in PLANTED:
        latents = best.loc[best["context"] == name, "latent"]
        known = [latent for latent in latents if latent in by_latent]
        planted.append(fmt(float(by_latent[known[0]]), "%") if known else "not judged")
    sampling = given["sampling"]
    return [
        fmt(given["n_tokens"]),
        fmt(given["n_top"]),
        fmt(len(states)),
        fmt(count(states["self_rank"] > 0.95)),
        *planted,
        fmt(sampling["pinned_tokens"]),
        fmt(sampling["released_tokens"]),
        fmt(sampling["n_prompts"]),
        _kept(r.automata.samples),
    ]


def _kept(samples: pd.DataFrame) -> str:
    """How much longer latents stay active after pinning, context by context."""
    found = []
    for context, rows in samples.groupby("context", sort=False):
        share = {
            arm: average(each["n_active"] / each["n_tokens"]) for arm, each in rows.groupby("arm")
        }
        name = str(context).removeprefix("planted ")
        found.append(f"{fmt(share['pinned'], '%')} against {fmt(share['free'], '%')} for {name}")
    return ", ".join(found) or "no latent that detects a planted context"


def _judged(table: pd.DataFrame) -> pd.DataFrame:
    if not len(table):
        raise NotTrained("no unit active often enough to be compared")
    return table


def _median(table: pd.DataFrame, name: str) -> str:
    return fmt(median(table[name]))


def _range(shares: np.ndarray) -> str:
    return between(float(shares.min()), float(shares.max()), "%") if len(shares) else "none"
