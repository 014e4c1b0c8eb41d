"""Figures: each function takes a frame and returns an Altair chart, and does nothing else."""

from superposition.charts import claims, language, robustness, saes, toy

__all__ = ["claims", "language", "robustness", "saes", "toy"]
