"""Values of the chapter on memorisation and double descent."""

from superposition.artefacts import Memorisation
from superposition.claims.measures_memorisation import Curve, curve, onset
from superposition.results import Results
from superposition.values import NOT_RUN, fmt

KEYS = (
    "memory_models",
    "memory_smallest",
    "memory_largest",
    "memory_data_sets",
    "memory_updates",
    "memory_peak_loss",
    "memory_peak_size",
    "memory_last_loss",
    "memory_onset",
    "memory_few_share",
    "memory_many_share",
    "memory_polygon_starts",
    "memory_diverged",
)
"""Names of the values, at every scale."""


def texts(r: Results) -> dict[str, str]:
    """The values, by name."""
    known = r.rows("memorisation")
    found = _sizes(r.memorisation("data-sizes")) if "data-sizes" in known else {}
    if "polygons" in known:
        starts = r.memorisation("polygons").models.start
        found |= {"memory_polygon_starts": fmt(len(set(starts)))}
    if known:
        diverged = sum(int(r.memorisation(row).models.diverged.sum()) for row in known)
        models = sum(len(r.memorisation(row).models) for row in known)
        found |= {"memory_models": fmt(models), "memory_diverged": fmt(diverged)}
    return dict.fromkeys(KEYS, NOT_RUN) | found


def _sizes(row: Memorisation) -> dict[str, str]:
    """Of the models trained on more and more points."""
    models = row.best_starts
    test = curve(models, "test_loss")
    features, points = (curve(models, f"{kind}_dimensionality") for kind in ("feature", "point"))
    peak = int(test.mean.argmax())
    return {
        "memory_smallest": fmt(int(test.n_points[0])),
        "memory_largest": fmt(int(test.n_points[-1])),
        "memory_data_sets": fmt(len(test.values)),
        "memory_updates": fmt(int(models.n_steps.max())),
        "memory_peak_loss": fmt(float(test.mean[peak])),
        "memory_peak_size": fmt(int(test.n_points[peak])),
        "memory_last_loss": fmt(float(test.mean[-1])),
        "memory_onset": _onset(test),
        "memory_few_share": fmt(float(points.mean[0])),
        "memory_many_share": fmt(float(features.mean[-1])),
    }


def _onset(test: Curve) -> str:
    return fmt(onset(test.n_points, test.mean), digits=2)
