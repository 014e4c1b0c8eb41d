"""Values of the chapters on geometry and on learning."""

from collections import Counter

import numpy as np

from superposition.claims.measures_geometry import PLATEAU, curve, parts_of
from superposition.claims.measures_learning import energy_levels
from superposition.results import Results
from superposition.sources import sourced
from superposition.toy import dynamics, stages
from superposition.values import NOT_RUN, between, fmt

CURVE = "uniform-200-in-20"
NAMES = (
    "curve_seeds",
    "curve_densities",
    "curve_densest",
    "curve_sparsest",
    "half_densities",
    "split_models",
    "named_parts",
    "levels_models",
    "levels_steps",
    "levels_passage",
    "stages_seeds",
    "stages_steps",
    "stages_aligned",
)
"""Names of the values, at every scale."""


def texts(r: Results) -> dict[str, str]:
    """The values, by name."""
    known, found = set(r.rows("toy")), {}
    if CURVE in known:
        found |= _curve(r) | _parts(r)
    if "energy-levels" in known:
        found |= _levels(r)
    if "learning-stages" in known:
        found |= _stages(r)
    return dict.fromkeys(NAMES, NOT_RUN) | found


@sourced
def _curve(r: Results) -> dict[str, str]:
    toy = r.toy(CURVE)
    x, d_star = curve(toy)
    means = d_star.mean(axis=0)
    half = np.exp(-x[np.abs(means / 0.5 - 1) <= PLATEAU])
    ends = between(float(half.max()), float(half.min()), "given") if len(half) else "none"
    return {
        "curve_seeds": fmt(toy.n_seeds),
        "curve_densities": fmt(len(toy.densities)),
        "curve_densest": fmt(float(means[0])),
        "curve_sparsest": fmt(float(means[-1])),
        "half_densities": ends,
    }


@sourced
def _parts(r: Results) -> dict[str, str]:
    """Models that fall into several parts, and the parts with a name over all models."""
    toy = r.toy(CURVE)
    models = parts_of(toy)
    counts = Counter(part.shape for parts in models for part in parts if len(part.features) > 1)
    named = ", ".join(f"{fmt(n)} {name}" for name, n in counts.most_common())
    split = sum(len(parts) > 1 for parts in models)
    return {
        "split_models": f"{fmt(split)} of {fmt(len(models))}",
        "named_parts": named or "none",
    }


@sourced
def _levels(r: Results) -> dict[str, str]:
    """How many steps a feature takes from a dimensionality of 0.2 to one of 0.45."""
    toy = r.toy("energy-levels")
    models = energy_levels(toy)
    taken = [dynamics.passage(one.D, one.steps, low=0.2, high=0.45) for one in models]
    together = np.concatenate(taken)
    median = fmt(int(np.median(together))) if len(together) else "not measured"
    return {
        "levels_models": fmt(len(models)),
        "levels_steps": fmt(int(models[0].steps[-1])),
        "levels_passage": median,
    }


@sourced
def _stages(r: Results) -> dict[str, str]:
    """The step by which half of all models that align their partners have done so."""
    toy = r.toy("learning-stages")
    course, steps = stages.courses(toy.snapshots.W), toy.snapshots.steps
    found = [dynamics.settled(one, steps, below=stages.ALIGNED) for one in course.partner.T]
    aligned = [step for step in found if step is not None]
    return {
        "stages_seeds": fmt(toy.n_seeds),
        "stages_steps": fmt(int(steps[-1])),
        "stages_aligned": fmt(int(np.median(aligned))) if aligned else "none",
    }
