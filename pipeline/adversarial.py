"""Train toy models under attack, those of one row.   python -m pipeline.adversarial ROW"""

from superposition.core.stage import Stage, run
from superposition.toy import adversarial
from superposition.toy.adversarial import AdversarialConfig


def main(stage: Stage) -> None:
    """Models trained under attacks of every norm, and what became of their superposition."""
    config = stage.config(AdversarialConfig)
    fitted = adversarial.fit(config, device=stage.device)
    stage.store.save_tensors(fitted.weights, "adversarial", stage.row, "weights.safetensors")
    stage.store.save_table(fitted.instances, "adversarial", stage.row, "instances.parquet")
    metrics = adversarial.summary(fitted.instances)
    stage.store.save_json(metrics, "adversarial", stage.row, "metrics.json")
    if metrics["n_diverged"]:
        print(f"adversarial@{stage.row}: {metrics['n_diverged']} models diverged, left out")


if __name__ == "__main__":
    run("adversarial", main, rows="adversarial")
