"""Train the toy models of one row.   python -m pipeline.toy ROW"""

from superposition.core.stage import Stage, run
from superposition.toy import tables, training


def main(stage: Stage) -> None:
    """Every model of the row at once, what became of its features, and how it learned."""
    config = stage.config(training.ToyConfig)
    fitted = training.fit(config, device=stage.device)
    weights = {"W": fitted.W, "b": fitted.b}
    stage.store.save_tensors(weights, "toy", stage.row, "weights.safetensors")
    for name in ("instances", "features", "history"):
        stage.store.save_table(getattr(fitted, name), "toy", stage.row, f"{name}.parquet")
    stage.store.save_json(tables.summary(fitted.instances), "toy", stage.row, "metrics.json")


if __name__ == "__main__":
    run("toy", main, rows="toy")
