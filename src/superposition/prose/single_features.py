"""The numbers of the chapter on single features."""

from typing import Any

import numpy as np
import pandas as pd

from superposition.charts.single_features import WHO
from superposition.claims.measures_single_features import (
    MAIN,
    SHUFFLED,
    TESTS,
    average,
    concepts,
    mean_shares,
    median,
    rank_correlation,
    superiority,
    total,
)
from superposition.features import context_tests
from superposition.intervals import Interval, wilson
from superposition.results import Results
from superposition.single_tables import scored
from superposition.sources import sourced
from superposition.values import NOT_RUN, between, fmt, of

Texts = dict[str, str]

_CONTEXTS = (
    *("concepts", "natural", "planted", "all_five", "all_five_share", "none", "median_passed"),
    *(f"pass_{test}" for test in TESTS),
    *("median_correlation", "median_neuron", "latent_better", "null", "without_tokens"),
    *("median_partner", "median_partner_logit", "filled_share", "chosen_of"),
)
_CAUSAL = (
    *("needed", "needed_off", "n_ablated", "held_more", "held_significant", "median_agreement"),
    *("upper_count", "upper_mass", "upper_effect", "random_latents", "prompts", "new_tokens"),
)
_CONSISTENCY = (
    *("scored", "predictable_latents", "predictable_neurons", "predictable_shuffled"),
    *("predictable_verdict", "accuracy_latents", "accuracy_neurons", "accuracy_shuffled"),
    *("single_latents", "single_shuffled", "logit_verdict", "density_accuracy"),
)
_LIMITS = ("top", "correlation", "area", "gap", "share", "partner", "tokens")
NAMES = (
    *(f"ctx_{key}" for key in (*_CONTEXTS, *_CAUSAL)),
    *(f"unit_{key}" for key in _CONSISTENCY),
    *(f"ctx_limit_{key}" for key in _LIMITS),
)
"""Names of the values, at every scale."""


def texts(r: Results) -> Texts:
    """Every value of the chapter, at every scale."""
    found = _prefixed("ctx", _CONTEXTS, _contexts(r) if MAIN in r.rows("contexts") else None)
    found |= _prefixed("ctx", _CAUSAL, _causal(r) if MAIN in r.rows("causal") else None)
    run = {MAIN, SHUFFLED} <= set(r.rows("consistency"))
    found |= _prefixed("unit", _CONSISTENCY, _consistency(r) if run else None)
    return found | _limits()


def _prefixed(prefix: str, keys: tuple[str, ...], found: list[str] | None) -> Texts:
    shown = [NOT_RUN] * len(keys) if found is None else found
    return {f"{prefix}_{key}": text for key, text in zip(keys, shown, strict=True)}


def _limits() -> Texts:
    """Where the tests draw their lines."""
    return {
        "ctx_limit_top": fmt(context_tests.TOP_PRECISION, "%", digits=2),
        "ctx_limit_correlation": fmt(context_tests.CORRELATION, "given"),
        "ctx_limit_area": fmt(context_tests.LOGIT_AREA, "given"),
        "ctx_limit_gap": fmt(context_tests.NEURON_GAP, "given"),
        "ctx_limit_share": fmt(context_tests.TOP_SHARE, "%", digits=2),
        "ctx_limit_partner": fmt(context_tests.UNIVERSAL, "given"),
        "ctx_limit_tokens": fmt(context_tests.MIN_TOKENS),
    }


@sourced
def _contexts(r: Results) -> list[str]:
    table = concepts(r)
    n, n_planted = len(table), total(table["planted"] != "")
    complete = total(table["passed"] == len(TESTS))
    better = total(table["correlation"] > table["neuron_correlation"])
    filled = total(table["filled"]) / max(total(table["missed"]), 1)
    return [
        fmt(n),
        fmt(n - n_planted),
        fmt(n_planted),
        of(complete, n),
        f"{fmt(complete / n, '%')} (95% interval {between(*wilson(complete, n), '%')})"
        if n
        else NOT_RUN,
        of(total(table["passed"] == 0), n),
        fmt(median(table["passed"]), "given"),
        *(of(total(table[test]), n) for test in TESTS),
        _median(table["correlation"]),
        _median(table["neuron_correlation"]),
        of(better, n),
        _median(table["null_correlation"]),
        of(total(table["n_next"] == 0), n),
        _median(table["partner_correlation"]),
        _median(table["partner_logit_correlation"]),
        fmt(filled, "%"),
        fmt(int(r.params.value("contexts", MAIN)["n_tokens"])),
    ]


@sourced
def _causal(r: Results) -> list[str]:
    found = r.causal(MAIN)
    ablation, held = found.ablation, found.pinning
    ablated, config = ablation.loc[ablation["n_on"] > 0], r.params.value("causal", MAIN)
    shares = mean_shares(r) if len(found.intervals) else pd.DataFrame()
    upper = [
        fmt(average(shares[name]), "%") if name in shares else NOT_RUN
        for name in ("count", "mass", "effect")
    ]
    return [
        of(total(ablated["high_on"] < 0), len(ablated)),
        of(total(ablated["high_off"] < 0), len(ablated)),
        fmt(len(ablated)),
        of(total(held["pinned"] > held["free"]), len(held)),
        of(total(held["p_value"] < 1e-6), len(held)),
        _median(ablation["logit_agreement"]),
        *upper,
        fmt(len(set(found.intervals["latent"]))),
        fmt(int(config["n_prompts"])),
        fmt(int(config["n_new"])),
    ]


@sourced
def _consistency(r: Results) -> list[str]:
    units = scored(r)
    by = {who: units.loc[units["who"] == who] for who in WHO}
    predictable = [median(by[who]["predictability"]) for who in WHO]
    accuracy = [average(by[who]["logit_accuracy"]) for who in WHO]
    single = [float((by[who]["top_token_share"] == 1).mean()) for who in (WHO[0], WHO[2])]
    return [
        ", ".join(f"{fmt(int(by[who]['predictability'].notna().sum()))} {who}" for who in WHO),
        *map(fmt, predictable),
        _order(by, "predictability"),
        *(fmt(value, "%") for value in accuracy),
        *(fmt(value, "%") for value in single),
        _order(by, "logit_accuracy"),
        fmt(rank_correlation(by[WHO[0]]["density"], by[WHO[0]]["logit_accuracy"])),
    ]


def _order(by: dict[str, pd.DataFrame], column: str) -> str:
    """How latents stand to neurons and to the control, in words; ties are called so."""
    ours, *others = (by[who][column].to_numpy(dtype=float) for who in WHO)
    if not all(np.isfinite(each).any() for each in (ours, *others)):
        return "The comparison could not be made."
    first, second = (_beside(superiority(ours, other).interval) for other in others)
    return (
        f"Latents do {first} neurons, and {second} latents of the transformer with shuffled "
        "weights, judged by how often one exceeds the other."
    )


def _beside(interval: Interval) -> str:
    low, high = interval
    if low <= 0.5 <= high:
        return "neither better nor worse than"
    return "better than" if low > 0.5 else "worse than"


def _median(column: Any) -> str:
    return fmt(median(column))
