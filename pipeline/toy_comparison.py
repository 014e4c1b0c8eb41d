"""Compare autoencoders on known features, one row.   python -m pipeline.toy_comparison ROW"""

from superposition.core.stage import Stage, run
from superposition.saes import comparison, recovery
from superposition.saes.comparison import ComparisonConfig


def main(stage: Stage) -> None:
    """Every variant of the row on the same toy models: what each of them found, and how."""
    config = stage.config(ComparisonConfig)
    W = stage.store.load_tensors("toy", config.models, "weights.safetensors")["W"]
    instances = stage.store.load_table("toy", config.models, "instances.parquet")
    density = recovery.only_density(instances)
    compared = comparison.compare(config, W, density, device=stage.device)
    for name, table in compared._asdict().items():
        stage.store.save_table(table, "toy_comparison", stage.row, f"{name}.parquet")
    metrics = comparison.summary(compared.instances)
    stage.store.save_json(metrics, "toy_comparison", stage.row, "metrics.json")


if __name__ == "__main__":
    run("toy_comparison", main, rows="toy_comparison")
