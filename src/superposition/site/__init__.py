"""The paper as a website: what its cells show, and how its pages are made."""

from superposition.site.figures import show
from superposition.site.provenance import Figures, report
from superposition.site.tables import table

__all__ = ["Figures", "report", "show", "table"]
