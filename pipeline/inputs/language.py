"""The token streams, and a transformer with the configuration kept beside its weights."""

from superposition.core.params import build
from superposition.core.stage import Stage
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer, TransformerConfig, restore


def stream(stage: Stage, side: str) -> TokenStream:
    """The tokens of one side of the split, `train` or `held_out`."""
    return TokenStream(**stage.store.load_tensors("tokens", f"{side}.safetensors"))


def transformer(stage: Stage, *folder: str) -> OneLayerTransformer:
    """The transformer in a folder: `transformer`, row; or `activations`, row."""
    given = stage.store.load_json(*folder, "transformer.json")
    config = build(TransformerConfig, given, key="/".join(folder), origin="transformer.json")
    tensors = stage.store.load_tensors(*folder, "transformer.safetensors")
    return restore(config, tensors).to(stage.device).eval()
