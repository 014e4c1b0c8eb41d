"""Cache a transformer's MLP activations, shuffled.   python -m pipeline.activations ROW"""

from dataclasses import asdict

from pipeline.inputs import language
from superposition.core.stage import Stage, run
from superposition.language import activations
from superposition.shard_writer import ShardWriter


def main(stage: Stage) -> None:
    """Shards of activations with the token, document and position of every row; their model."""
    config = stage.config(activations.ActivationsConfig)
    model = language.transformer(stage, "transformer", config.transformer)
    text = language.stream(stage, "train")
    folder = stage.store.path("activations", stage.row, "shards")
    layout = activations.layout(config, d_mlp=model.config.d_mlp)
    with ShardWriter(folder, layout) as writer:
        activations.cache_activations(
            config, model, text.tokens, document=text.document, start=text.start, writer=writer
        )
    kept = ("activations", stage.row)
    stage.store.save_tensors(model.state_dict(), *kept, "transformer.safetensors")
    stage.store.save_json(asdict(model.config), *kept, "transformer.json")


if __name__ == "__main__":
    run("activations", main, rows="activations")
