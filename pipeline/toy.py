"""Train the toy models of one row.   python -m pipeline.toy ROW"""

from superposition.core.stage import Stage, run
from superposition.toy import tables, training
from superposition.toy.config import ToyConfig


def main(stage: Stage) -> None:
    """Every model of the row at once, what became of its features, and how it learned."""
    config = stage.config(ToyConfig)
    fitted = training.fit(config, device=stage.device)
    for name in ("weights", "snapshots"):
        stage.store.save_tensors(getattr(fitted, name), "toy", stage.row, f"{name}.safetensors")
    for name in ("instances", "features", "history"):
        stage.store.save_table(getattr(fitted, name), "toy", stage.row, f"{name}.parquet")
    stage.store.save_json(tables.summary(fitted.instances), "toy", stage.row, "metrics.json")
    if n_diverged := int(fitted.instances["diverged"].sum()):
        print(f"toy@{stage.row}: {n_diverged} of {len(fitted.instances)} models diverged, left out")


if __name__ == "__main__":
    run("toy", main, rows="toy")
