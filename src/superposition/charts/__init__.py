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
    phases,
    replay,
    robustness,
    saes,
    theory,
    toy,
    uneven,
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
    "phases",
    "replay",
    "robustness",
    "saes",
    "theory",
    "toy",
    "uneven",
]
