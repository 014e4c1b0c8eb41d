"""Values of the toy models that several chapters mention: five features, and many."""

from superposition.artefacts import Toy
from superposition.results import Results
from superposition.sources import sourced
from superposition.values import NOT_RUN, Texts, fmt, of

DENSITIES = {"dense": 1.0, "eighty": 0.2, "ninety": 0.1}
"""Feature probabilities with a name: the sparsities 0, 80% and 90%."""
ENDS = {"densest": 0, "sparsest": -1}
"""Positions among the densities of a row."""
_MANY = ("twenty-in-five", "twenty-in-five-linear", "eighty-in-twenty")
_GEOMETRY = ("geometry", "seeds", "share", "pentagons")
NAMES = (
    *("toy_densities", "toy_seeds", "toy_models", "sparsest_density"),
    *(f"{word}_{name}" for word in DENSITIES for name in _GEOMETRY),
    *(f"{row.replace('-', '_')}_{word}" for row in _MANY for word in ENDS),
)
"""Names of the values, at every scale."""


def texts(r: Results) -> Texts:
    """The values, by name."""
    found = _five_in_two(r)
    for row in _MANY:
        for word, position in ENDS.items():
            found |= {f"{row.replace('-', '_')}_{word}": _represented(r, row, position)}
    return found


@sourced
def _five_in_two(r: Results) -> Texts:
    toy = r.toy("five-in-two")
    found = {
        "toy_densities": fmt(len(toy.densities)),
        "toy_seeds": fmt(toy.n_seeds),
        "toy_models": fmt(len(toy.instances)),
        "sparsest_density": fmt(toy.densities[-1], "given"),
    }
    for word, density in DENSITIES.items():
        found |= _share_of_geometries(toy, density, word)
    return found


def _share_of_geometries(toy: Toy, density: float, word: str) -> Texts:
    """How many random starts end like the best one, at one density."""
    names = [f"{word}_{name}" for name in _GEOMETRY]
    if not toy.has(density):
        return dict.fromkeys(names, NOT_RUN)
    labels = toy.instances.set_index("instance")["geometry"]
    found = labels.loc[toy.at(density).instance].tolist()
    alike, pentagons = found.count(found[0]), found.count("pentagon")
    texts = (found[0], of(alike, len(found)), fmt(alike / len(found), "%"))
    return dict(zip(names, (*texts, of(pentagons, len(found))), strict=True))


@sourced
def _represented(r: Results, row: str, position: int) -> str:
    known = row in r.rows("toy")
    return fmt(int(r.toy(row).best["n_represented"].iloc[position])) if known else NOT_RUN
