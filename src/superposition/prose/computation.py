"""The numbers of the chapter on neurons and computation."""

from superposition.artefacts import Toy
from superposition.claims.measures_computation import (
    above_zero,
    mean_alignment,
    motif_counts,
    n_computed,
    n_polysemantic,
    without_superposition,
)
from superposition.results import Results
from superposition.sources import sourced
from superposition.toy import motif, neurons
from superposition.values import NOT_RUN, between, fmt, of

Texts = dict[str, str]
_CIRCUITS = ("equal", "equal_inhibited", "unequal", "unequal_inhibited")
"""The names of `motif.CIRCUITS` in the names of values."""
_PRIVILEGED = (
    *("privileged_starts", "privileged_densest", "privileged_sparsest", "privileged_counts"),
    *("privileged_dense_alignment", "privileged_sparse_alignment", "privileged_linear_alignment"),
)
_ESCAPE = ("escape_above_zero", "escape_losses", "escape_without_bias")
_SIMPLE = ("absolute_simple_loss", "absolute_simple_starts")
_HUNDRED = (
    *("absolute_starts", "absolute_counts", "absolute_computed", "absolute_densities"),
    *("motif_found", "motif_shuffled"),
)
_PENALTY = ("penalty_before", "penalty_after", "penalty_cleared", "penalty_loss")
NAMES = (
    *("held_threshold", "polysemantic_threshold", "computed_threshold"),
    *(*_PRIVILEGED, *_ESCAPE, *_SIMPLE, *_HUNDRED, *_PENALTY),
    *("circuit_density", *(f"circuit_{name}" for name in _CIRCUITS[1:])),
)
"""Names of the values, at every scale."""


def texts(r: Results) -> Texts:
    """Every value that `paper/computation.qmd` names."""
    return {
        "held_threshold": fmt(neurons.HELD, "given"),
        "polysemantic_threshold": fmt(neurons.POLYSEMANTIC, "given"),
        "computed_threshold": fmt(neurons.COMPUTED, "given"),
        **_privileged(r),
        **_escape(r),
        **_simple(r),
        **_hundred(r),
        **_circuits(),
        **_penalty(r),
    }


def _has(r: Results, *rows: str) -> bool:
    return set(rows) <= set(r.rows("toy"))


@sourced
def _privileged(r: Results) -> Texts:
    if not _has(r, "privileged-ten-in-five", "linear-ten-in-five"):
        return dict.fromkeys(_PRIVILEGED, NOT_RUN)
    toy, linear = r.toy("privileged-ten-in-five"), r.toy("linear-ten-in-five")
    dense, sparse = toy.at(toy.densities[0]), toy.at(toy.densities[-1])
    counts = [int(neurons.n_monosemantic(toy.at(p).W)[0]) for p in toy.densities]
    found = (
        fmt(toy.n_seeds),
        fmt(toy.densities[0], "given"),
        fmt(toy.densities[-1], "given"),
        ", ".join(fmt(count) for count in counts),
        fmt(float(mean_alignment(dense)[0])),
        fmt(float(mean_alignment(sparse)[0])),
        fmt(float(mean_alignment(linear.at(linear.densities[0]))[0])),
    )
    return dict(zip(_PRIVILEGED, found, strict=True))


@sourced
def _escape(r: Results) -> Texts:
    rows = ("privileged-hidden-bias", "linear-ten-in-five", "privileged-ten-in-five")
    if not _has(r, *rows):
        return dict.fromkeys(_ESCAPE, NOT_RUN)
    biased, linear, plain = map(r.toy, rows)
    shares = [float(above_zero(biased.at(p))[0]) for p in biased.densities]
    ratios = [
        [float(toy.at(p).loss[0] / linear.at(p).loss[0]) for p in linear.densities]
        for toy in (biased, plain)
    ]
    losses = [between(min(each), max(each)) for each in ratios]
    return dict(zip(_ESCAPE, (fmt(min(shares), "%"), *losses), strict=True))


@sourced
def _simple(r: Results) -> Texts:
    if not _has(r, "absolute-three-in-six"):
        return dict.fromkeys(_SIMPLE, NOT_RUN)
    toy = r.toy("absolute-three-in-six")
    worst = max(float(toy.at(p).loss[0]) for p in toy.densities)
    return dict(zip(_SIMPLE, (fmt(worst), fmt(toy.n_seeds)), strict=True))


@sourced
def _hundred(r: Results) -> Texts:
    if not _has(r, "absolute-hundred-in-forty"):
        return dict.fromkeys(_HUNDRED, NOT_RUN)
    toy = r.toy("absolute-hundred-in-forty")
    best = [toy.at(p) for p in toy.densities]
    found, shuffled = motif_counts(toy)
    values = (
        fmt(toy.n_seeds),
        ", ".join(fmt(n_polysemantic(one)) for one in best),
        ", ".join(fmt(n_computed(one)) for one in best),
        ", ".join(fmt(p, "given") for p in toy.densities),
        fmt(found),
        fmt(float(shuffled.mean())),
    )
    return dict(zip(_HUNDRED, values, strict=True))


def _circuits() -> Texts:
    """Losses of the circuits at one density, relative to that with equal weights."""
    losses = [circuit.loss(0.03) for circuit in motif.CIRCUITS]
    names = [f"circuit_{name}" for name in _CIRCUITS]
    return {
        name: f"{fmt(loss / losses[0])} times"
        for name, loss in zip(names[1:], losses[1:], strict=True)
    } | {"circuit_density": fmt(0.03, "given")}


@sourced
def _penalty(r: Results) -> Texts:
    if not _has(r, "l1-twenty-in-five"):
        return dict.fromkeys(_PENALTY, NOT_RUN)
    toy = r.toy("l1-twenty-in-five")
    return dict(zip(_PENALTY, _cleared(toy), strict=True))


def _cleared(toy: Toy) -> tuple[str, str, str, str]:
    found = [without_superposition(toy, p) for p in toy.densities]
    return (
        _range([float(one.n_before) for one in found], digits=1),
        _range([float(one.n_represented) for one in found], digits=1),
        of(sum(one.coefficient < float("inf") for one in found), len(found)),
        _range([one.loss_ratio for one in found]),
    )


def _range(numbers: list[float], *, digits: int = 3) -> str:
    """The smallest and the largest number in words, or the one that all are."""
    low, high = min(numbers), max(numbers)
    same = fmt(low, digits=digits) == fmt(high, digits=digits)
    return fmt(low, digits=digits) if same else between(low, high, digits=digits)
