"""Figures of relations between latents come out where nothing was found."""

import altair as alt
import pytest
from tests.charts import relations_figures as made

from superposition import relation_tables
from superposition.charts import relations, splitting


def nothing() -> list[alt.TopLevelMixin]:
    nodes, links = relation_tables.machine(made.states().iloc[:0], made.transitions().iloc[:0])
    return [
        relations.neighbours(made.neighbours().iloc[:0]),
        relations.contexts(made.contexts().iloc[:0]),
        splitting.counts(made.counts().iloc[:0]),
        splitting.lineage(made.nodes().iloc[:0], made.links().iloc[:0]),
        splitting.clusters(made.clusters().iloc[:0]),
        splitting.digits(made.latents().iloc[:0]),
        splitting.automaton(nodes, links),
        splitting.loops(relation_tables.loops(made.samples().iloc[:0])),
    ]


@pytest.mark.parametrize("index", range(8))
def test_a_figure_of_nothing_is_still_a_figure(index: int) -> None:
    spec = nothing()[index].to_dict()
    assert spec["title"]
    assert "nan" not in spec["description"]
