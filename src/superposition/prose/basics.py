"""Values of the chapter on toy models: optimisers, a hundred features, biases, training."""

from superposition.artefacts import Toy
from superposition.replay import settled
from superposition.results import Results
from superposition.values import NOT_RUN, fmt, of

SPARSEST = 0.05
"""Density of the sparsest models in the plane."""


def texts(r: Results) -> dict[str, str]:
    """The values, by name."""
    known = set(r.rows("toy"))
    plane, adam, hundred = "five-in-two", "five-in-two-adam", "hundred-in-twenty"
    found = _plane(r.toy(plane)) if plane in known else {}
    if plane in known and r.params.value("toy", plane).get("n_snapshots"):
        found |= _settled(r.toy(plane))
    found |= {"adam_pentagons": _pentagons(r.toy(adam))} if adam in known else {}
    found |= _hundred(r.toy(hundred)) if hundred in known else {}
    return dict.fromkeys(KEYS, NOT_RUN) | found


KEYS = (
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


def _plane(toy: Toy) -> dict[str, str]:
    found = {"adamw_pentagons": _pentagons(toy)}
    if toy.has(SPARSEST):
        found["pentagon_bias"] = fmt(float(toy.at(SPARSEST).b[0].mean()))
    return found


def _settled(toy: Toy) -> dict[str, str]:
    """From which step on the best models keep their arrangement, at both ends of the densities."""
    return {
        "settled_dense": fmt(settled(toy, toy.densities[0])),
        "settled_sparse": fmt(settled(toy, toy.densities[-1])),
    }


def _pentagons(toy: Toy) -> str:
    """How many random starts end as a pentagon at the sparsest density."""
    if not toy.has(SPARSEST):
        return NOT_RUN
    labels = toy.instances.set_index("instance")["geometry"]
    found = labels.loc[toy.at(SPARSEST).instance].tolist()
    return of(found.count("pentagon"), len(found))


def _hundred(toy: Toy) -> dict[str, str]:
    counts = toy.best["n_represented"].tolist()
    return {
        "hundred_seeds": fmt(toy.n_seeds),
        "hundred_densest": fmt(int(counts[0])),
        "hundred_sparsest": fmt(int(counts[-1])),
    }
