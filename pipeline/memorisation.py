"""Train models on finite data sets.   python -m pipeline.memorisation ROW"""

from superposition.core.stage import Stage, run
from superposition.toy import memorisation
from superposition.toy import memorisation_tables as tables
from superposition.toy.memorisation_config import MemorisationConfig


def main(stage: Stage) -> None:
    """Every model of the row, what it made of its data set, and what it makes of fresh points."""
    config = stage.config(MemorisationConfig)
    fitted = memorisation.fit(config, device=stage.device)
    for name in ("models", "features", "points", "history"):
        stage.store.save_table(getattr(fitted, name), "memorisation", stage.row, f"{name}.parquet")
    summary = tables.summary(fitted.models)
    stage.store.save_json(summary, "memorisation", stage.row, "metrics.json")
    if summary["n_diverged"]:
        n, of = summary["n_diverged"], summary["n_models"]
        print(f"memorisation@{stage.row}: {n} of {of} models diverged, left out")


if __name__ == "__main__":
    run("memorisation", main, rows="memorisation")
