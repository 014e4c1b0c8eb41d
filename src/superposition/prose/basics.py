"""Values of the chapter on toy models: optimisers, a hundred features, biases, training."""

from superposition.replay import settled
from superposition.results import Results
from superposition.sources import sourced
from superposition.values import NOT_RUN, fmt, of

PLANE, ADAM, HUNDRED = "five-in-two", "five-in-two-adam", "hundred-in-twenty"
SPARSEST = 0.05
"""Density of the sparsest models in the plane."""


def texts(r: Results) -> dict[str, str]:
    """The values, by name."""
    known, found = set(r.rows("toy")), dict.fromkeys(NAMES, NOT_RUN)
    if PLANE in known:
        found |= {"adamw_pentagons": _pentagons(r, PLANE), "pentagon_bias": _bias(r)}
        found |= _settled(r) if r.params.value("toy", PLANE).get("n_snapshots") else {}
    if ADAM in known:
        found |= {"adam_pentagons": _pentagons(r, ADAM)}
    return found | (_hundred(r) if HUNDRED in known else {})


NAMES = (
    "adamw_pentagons",
    "adam_pentagons",
    "pentagon_bias",
    "settled_dense",
    "settled_sparse",
    "hundred_seeds",
    "hundred_densest",
    "hundred_sparsest",
)
"""Names of the values, at every scale."""


@sourced
def _bias(r: Results) -> str:
    toy = r.toy(PLANE)
    return fmt(float(toy.at(SPARSEST).b[0].mean())) if toy.has(SPARSEST) else NOT_RUN


@sourced
def _settled(r: Results) -> dict[str, str]:
    """From which step on the best models keep their arrangement, at both ends of the densities."""
    toy = r.toy(PLANE)
    return {
        "settled_dense": fmt(settled(toy, toy.densities[0])),
        "settled_sparse": fmt(settled(toy, toy.densities[-1])),
    }


@sourced
def _pentagons(r: Results, row: str) -> str:
    """How many random starts end as a pentagon at the sparsest density."""
    toy = r.toy(row)
    if not toy.has(SPARSEST):
        return NOT_RUN
    labels = toy.instances.set_index("instance")["geometry"]
    found = labels.loc[toy.at(SPARSEST).instance].tolist()
    return of(found.count("pentagon"), len(found))


@sourced
def _hundred(r: Results) -> dict[str, str]:
    toy = r.toy(HUNDRED)
    counts = toy.best["n_represented"].tolist()
    return {
        "hundred_seeds": fmt(toy.n_seeds),
        "hundred_densest": fmt(int(counts[0])),
        "hundred_sparsest": fmt(int(counts[-1])),
    }
