"""Figures: each function takes a frame and returns an Altair chart, and does nothing else."""

from superposition.charts import (
    basics,
    capacity,
    claims,
    geometry,
    language,
    learning,
    replay,
    robustness,
    saes,
    toy,
)

__all__ = [
    "basics",
    "capacity",
    "claims",
    "geometry",
    "language",
    "learning",
    "replay",
    "robustness",
    "saes",
    "toy",
]
