"""Figures: each function takes a frame and returns an Altair chart, and does nothing else."""

from superposition.charts import (
    absolute,
    basics,
    capacity,
    claims,
    geometry,
    language,
    learning,
    motif,
    neurons,
    replay,
    robustness,
    saes,
    toy,
)

__all__ = [
    "absolute",
    "basics",
    "capacity",
    "claims",
    "geometry",
    "language",
    "learning",
    "motif",
    "neurons",
    "replay",
    "robustness",
    "saes",
    "toy",
]
