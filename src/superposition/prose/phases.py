"""The numbers of the page on phase changes."""

import numpy as np

from superposition.claims.measures_phases import phase_map
from superposition.results import Results
from superposition.sources import sourced
from superposition.toy import phases
from superposition.toy.phase_labels import JOINT
from superposition.toy.phases import THREE_IN_TWO, TWO_IN_ONE
from superposition.values import NOT_RUN, fmt, of

_TRAINED = ("phase_models", "phase_seeds", "phase_cells", "phase_share")
NAMES = ("phase_gain", "phase_exact_agreement", *_TRAINED, "phase_joint")
"""Names of the values, at every scale."""


def texts(r: Results) -> dict[str, str]:
    """How many models were trained for the diagrams, and how theory compares with the optimum."""
    return _theory(r) | _trained(r) | _joint(r)


@sourced
def _theory(r: Results) -> dict[str, str]:
    optima = r.theory.table("optima").query("bias")
    p, ratio = (optima[name].to_numpy(dtype=float) for name in ("feature_probability", "loss"))
    importance = optima["relative_importance"].to_numpy(dtype=float)
    ideal = phases.losses(TWO_IN_ONE, p, importance, bias=True)
    best = np.array(TWO_IN_ONE.phases, dtype=object)[ideal.argmin(axis=0)]
    return {
        "phase_gain": fmt(float((1 - ratio / ideal.min(axis=0)).max()), "%"),
        "phase_exact_agreement": fmt(float((best == optima["phase"].to_numpy()).mean()), "%"),
    }


@sourced
def _trained(r: Results) -> dict[str, str]:
    if "phase-two-in-one" not in r.rows("toy"):
        return dict.fromkeys(_TRAINED, NOT_RUN)
    found = phase_map(r.toy("phase-two-in-one"), TWO_IN_ONE)
    share = float(found.cells["share"].to_numpy(dtype=float).mean())
    counts = (found.loss.size, found.loss.shape[1], len(found.loss))
    return dict(zip(_TRAINED, (*map(fmt, counts), fmt(share, "%")), strict=True))


@sourced
def _joint(r: Results) -> dict[str, str]:
    """In how many cells three features in two dimensions are best kept at equal angles."""
    if "phase-three-in-two" not in r.rows("toy"):
        return {"phase_joint": NOT_RUN}
    found = phase_map(r.toy("phase-three-in-two"), THREE_IN_TWO).cells["phase"].tolist()
    return {"phase_joint": of(found.count(JOINT), len(found))}
