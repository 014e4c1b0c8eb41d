"""Train the toy autoencoders of one row.   python -m pipeline.toy_sae ROW"""

from superposition.core.stage import Stage, run
from superposition.saes import base, recovery, training


def main(stage: Stage) -> None:
    """An autoencoder on every instance of a toy model, and which features each of them found."""
    arch = stage.params.value("toy_sae", stage.row)["arch"]
    config = stage.config(base.architecture(arch).Config)
    W = stage.store.load_tensors("toy", config.activations, "weights.safetensors")["W"]
    instances = stage.store.load_table("toy", config.activations, "instances.parquet")
    probability = recovery.only_density(instances)
    source = recovery.toy_source(
        W.to(stage.device),
        feature_probability=probability,
        batch_size=config.training.batch_size,
        seed=config.seed,
    )
    checkpoint = stage.checkpoint(config)
    fitted = training.fit(config, source, device=stage.device, checkpoint=checkpoint)
    x = recovery.unseen(W, feature_probability=probability, seed=config.seed)
    found = recovery.recovery(fitted.sae, W, x, seed=config.seed)
    stage.store.save_tensors(fitted.sae.state_dict(), "toy_sae", stage.row, "weights.safetensors")
    stage.store.save_table(fitted.history, "toy_sae", stage.row, "history.parquet")
    stage.store.save_table(found, "toy_sae", stage.row, "recovery.parquet")
    stage.store.save_json(recovery.summary(found), "toy_sae", stage.row, "metrics.json")
    checkpoint.remove()


if __name__ == "__main__":
    run("toy_sae", main, rows="toy_sae")
