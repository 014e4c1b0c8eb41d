"""Read the toy models of one row by matching pursuit.   python -m pipeline.sparse_recovery ROW"""

from superposition.core.stage import Stage, run
from superposition.toy import sparse_recovery
from superposition.toy.robustness import Models
from superposition.toy.sparse_recovery import SparseRecoveryConfig


def main(stage: Stage) -> None:
    """The errors of every model's own decoder and of matching pursuit on the same inputs."""
    config = stage.config(SparseRecoveryConfig)
    weights = stage.store.load_tensors("toy", config.models, "weights.safetensors")
    instances = stage.store.load_table("toy", config.models, "instances.parquet")
    models = Models(weights["W"], weights["b"], instances)
    found = sparse_recovery.recover_all(config, models, device=stage.device)
    stage.store.save_table(found, "sparse_recovery", stage.row, "instances.parquet")
    metrics = sparse_recovery.summary(found)
    stage.store.save_json(metrics, "sparse_recovery", stage.row, "metrics.json")


if __name__ == "__main__":
    run("sparse_recovery", main, rows="sparse_recovery")
