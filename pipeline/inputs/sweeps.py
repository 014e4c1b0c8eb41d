"""Autoencoders of a sweep, rebuilt from its row of parameters and its weights."""

from superposition.core.stage import Stage
from superposition.saes import base, sweep
from superposition.saes.base import SAE
from superposition.saes.sweep import Point, SweepConfig


def points(stage: Stage, row: str) -> list[Point]:
    """The points of a sweep."""
    config = stage.params.load(SweepConfig, "sweep", row)
    return sweep.points(config, key=f"sweep.{row}", origin=stage.params.origin)


def saes(stage: Stage, row: str, chosen: list[Point]) -> list[SAE]:
    """The autoencoders of some of its points."""
    tensors = stage.store.load_tensors("sweep", row, "weights.safetensors")
    found = [base.restore(p.config, sweep.weights_of(p.name, tensors)) for p in chosen]
    return [sae.to(stage.device).eval() for sae in found]
