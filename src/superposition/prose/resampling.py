"""Values of the toy autoencoders with and without resampling, and of the model they are for."""

from superposition.results import Results
from superposition.sources import sourced
from superposition.values import NOT_RUN, Texts, fmt, of

ROWS = ("no-resampling", "random-resampling", "loss-weighted-resampling")
_KEYS = ("complete", "recovered", "cosine", "distinct")
NAMES = (
    *("target_pentagons", "target_density"),
    *(f"{row.replace('-', '_')}_{key}" for row in ROWS for key in _KEYS),
)
"""Names of the values, at every scale."""


def texts(r: Results) -> Texts:
    """The values, by name."""
    found = _target(r)
    for row in ROWS:
        found |= _toy_sae(r, row)
    return found


@sourced
def _target(r: Results) -> Texts:
    target = r.toy("sae-target")
    pentagons = target.instances["geometry"].tolist().count("pentagon")
    return {
        "target_pentagons": of(pentagons, len(target.instances)),
        "target_density": fmt(target.densities[0], "given"),
    }


@sourced
def _toy_sae(r: Results, row: str) -> Texts:
    keys = [f"{row.replace('-', '_')}_{key}" for key in _KEYS]
    if row not in r.rows("toy_sae"):
        return dict.fromkeys(keys, NOT_RUN)
    metrics = r.toy_sae(row).metrics
    texts = (
        of(metrics.instances_complete, metrics.n_instances),
        fmt(float(metrics.mean_recovered)),
        fmt(float(metrics.mean_best_cosine)),
        fmt(float(metrics.mean_distinct_latents)),
    )
    return dict(zip(keys, texts, strict=True))
