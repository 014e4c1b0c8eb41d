"""The scale that the pages are about."""

from superposition.results import Results
from superposition.values import Texts

NAMES = ("scale",)
"""Names of the values, at every scale."""


def texts(r: Results) -> Texts:
    """The scale."""
    return {"scale": r.params.scale}
