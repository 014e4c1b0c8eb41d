"""Compare pentagon and digons as one feature gets sparser.   python -m pipeline.perturbation"""

from superposition.core.stage import Stage, run
from superposition.toy import branches, crossings
from superposition.toy.branches import PerturbationConfig, Trained


def main(stage: Stage) -> None:
    """Both arrangements at their best, and where their losses cross."""
    config = stage.config(PerturbationConfig)
    weights = stage.store.load_tensors("toy", config.models, "weights.safetensors")
    instances = stage.store.load_table("toy", config.models, "instances.parquet")
    table = branches.follow(Trained(instances, weights["W"], weights["b"]), config)
    stage.store.save_table(table, "perturbation", "branches.parquet")
    stage.store.save_json(
        crossings.summary(table, seed=config.seed), "perturbation", "metrics.json"
    )


if __name__ == "__main__":
    run("perturbation", main, rows=None)
