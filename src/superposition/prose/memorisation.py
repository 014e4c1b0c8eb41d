"""Values of the chapter on memorisation and double descent."""

from superposition.claims.measures_memorisation import Curve, curve, onset
from superposition.results import Results
from superposition.sources import sourced
from superposition.values import NOT_RUN, fmt

NAMES = (
    "memory_models",
    "memory_smallest",
    "memory_largest",
    "memory_data_sets",
    "memory_updates",
    "memory_features",
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
    found = _sizes(r) if "data-sizes" in known else {}
    found |= {"memory_polygon_starts": _starts(r)} if "polygons" in known else {}
    found |= _counts(r) if known else {}
    return dict.fromkeys(NAMES, NOT_RUN) | found


@sourced
def _starts(r: Results) -> str:
    return fmt(len(set(r.memorisation("polygons").models.start)))


@sourced
def _counts(r: Results) -> dict[str, str]:
    """Of all models together."""
    models = [r.memorisation(row).models for row in r.rows("memorisation")]
    diverged = sum(int(each.diverged.sum()) for each in models)
    return {"memory_models": fmt(sum(map(len, models))), "memory_diverged": fmt(diverged)}


@sourced
def _sizes(r: Results) -> dict[str, str]:
    """Of the models trained on more and more points."""
    models, row = r.data_sizes.best_starts, r.row_of_data_sizes
    test = curve(models, "test_loss")
    features, points = (curve(models, f"{kind}_dimensionality") for kind in ("feature", "point"))
    peak = int(test.mean.argmax())
    return {
        "memory_smallest": fmt(int(test.n_points[0])),
        "memory_largest": fmt(int(test.n_points[-1])),
        "memory_data_sets": fmt(len(test.values)),
        "memory_updates": fmt(int(models.n_steps.max())),
        "memory_features": fmt(r.params.value("memorisation", row)["n_features"]),
        "memory_peak_loss": fmt(float(test.mean[peak])),
        "memory_peak_size": fmt(int(test.n_points[peak])),
        "memory_last_loss": fmt(float(test.mean[-1])),
        "memory_onset": _onset(test),
        "memory_few_share": fmt(float(points.mean[0])),
        "memory_many_share": fmt(float(features.mean[-1])),
    }


def _onset(test: Curve) -> str:
    return fmt(onset(test.n_points, test.mean), digits=2)
