"""Evaluate one autoencoder on held-out text.   python -m pipeline.evaluation ROW"""

from pipeline.inputs import autoencoder, language
from superposition.core import compute
from superposition.core.stage import Stage, run
from superposition.features import evaluation


def main(stage: Stage) -> None:
    """How faithful and how sparse the autoencoder is, what it costs the model; every latent."""
    config = stage.params.load(evaluation.EvaluationConfig, "evaluation")
    sae = autoencoder.sae(stage, stage.row)
    evaluated = evaluation.evaluate(
        language.transformer(stage, "activations", sae.config.activations),
        sae,
        language.stream(stage, "held_out"),
        config=config,
        dtype=compute.matmul_dtype(stage.device),
    )
    stage.store.save_json(evaluated.metrics(), "evaluation", stage.row, "metrics.json")
    stage.store.save_table(evaluated.latents, "evaluation", stage.row, "latents.parquet")


if __name__ == "__main__":
    run("evaluation", main, rows="sae")
