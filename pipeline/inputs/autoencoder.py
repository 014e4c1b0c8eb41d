"""A trained autoencoder, with the configuration kept beside its weights."""

from superposition.core.params import build
from superposition.core.stage import Stage
from superposition.saes import base


def sae(stage: Stage, row: str) -> base.SAE:
    """The autoencoder of a row of the stage `sae`."""
    given = stage.store.load_json("sae", row, "cfg.json")
    config = build(base.architecture(given["arch"]).Config, given, key=row, origin="cfg.json")
    tensors = stage.store.load_tensors("sae", row, "weights.safetensors")
    return base.restore(config, tensors).to(stage.device).eval()
