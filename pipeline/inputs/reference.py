"""The transformer of a reference run, if it is as it was published and reads the same tokens."""

from dataclasses import replace

from pipeline.inputs import language
from superposition.core.params import build
from superposition.core.stage import Stage
from superposition.language.training import FittedTransformer, TransformerMetrics
from superposition.reference.files import Reference

FILES = ("transformer.safetensors", "transformer.json", "history.csv", "metrics.json")


def transformer(stage: Stage, scale: str, row: str) -> FittedTransformer:
    """That of a row of the reference run of `scale`."""
    reference = Reference(scale, stage.store.root)
    reference.require("tokens/tokenizer.json", *(f"transformer/{row}/{name}" for name in FILES))
    store, key = reference.store, f"transformer/{row}"
    theirs, ours = (each.load_text("tokens", "tokenizer.json") for each in (store, stage.store))
    if theirs != ours:
        raise ValueError(
            f"the transformer of {reference.folder} reads other tokens than those of "
            f"{stage.store.path('tokens')}: its text or tokenizer is another; set made_from: tokens"
        )
    metrics = store.load_json("transformer", row, "metrics.json")
    return FittedTransformer(
        language.transformer(replace(stage, store=store), "transformer", row),
        store.load_table("transformer", row, "history.csv"),
        build(TransformerMetrics, metrics, key=key, origin="metrics.json"),
    )
