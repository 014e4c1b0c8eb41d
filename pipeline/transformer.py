"""Train, shuffle or take over the transformer of one row.   python -m pipeline.transformer ROW"""

from dataclasses import asdict

from pipeline.inputs import language, reference
from superposition.core.stage import Stage, run
from superposition.language import training
from superposition.language.transformer import TransformerConfig


def main(stage: Stage) -> None:
    """The weights of a one-layer transformer, its loss curve and its held-out loss."""
    config = stage.config(TransformerConfig)
    held_out = stage.store.load_tensors("tokens", "held_out.safetensors")["tokens"]
    train = stage.store.load_tensors("tokens", "train.safetensors")["tokens"]
    d_vocab = stage.store.load_json("tokens", "metrics.json")["vocab_size"]
    checkpoint = stage.checkpoint(config, len(train), d_vocab)
    if config.published is not None:
        published = reference.transformer(stage, *config.published)
        fitted = training.taken_over(published, config, held_out=held_out)
    elif config.training is not None:
        fitted = training.fit(
            config,
            train,
            held_out=held_out,
            d_vocab=d_vocab,
            device=stage.device,
            checkpoint=checkpoint,
        )
    else:
        original = language.transformer(stage, *config.made_from.split("/"))
        fitted = training.shuffle(original, config, held_out=held_out)
    weights = fitted.model.state_dict()
    stage.store.save_tensors(weights, "transformer", stage.row, "transformer.safetensors")
    stage.store.save_json(asdict(config), "transformer", stage.row, "transformer.json")
    stage.store.save_table(fitted.history, "transformer", stage.row, "history.csv")
    stage.store.save_json(asdict(fitted.metrics), "transformer", stage.row, "metrics.json")
    checkpoint.remove()


if __name__ == "__main__":
    run("transformer", main, rows="transformer")
