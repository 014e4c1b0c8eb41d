"""Attack the toy models of one row.   python -m pipeline.robustness ROW"""

from superposition.core.stage import Stage, run
from superposition.toy import robustness
from superposition.toy.robustness import Models, RobustnessConfig


def main(stage: Stage) -> None:
    """What every kind of attack does to every model, compared with one without superposition."""
    config = stage.config(RobustnessConfig)
    weights = stage.store.load_tensors("toy", config.models, "weights.safetensors")
    instances = stage.store.load_table("toy", config.models, "instances.parquet")
    models = Models(weights["W"], weights["b"], instances)
    attacks = robustness.attack_all(config, models, device=stage.device)
    stage.store.save_table(attacks, "robustness", stage.row, "attacks.parquet")
    stage.store.save_json(robustness.summary(attacks), "robustness", stage.row, "metrics.json")


if __name__ == "__main__":
    run("robustness", main, rows="robustness")
