"""The values of the chapter on memorisation are those of the models, or say that there are none."""

from pathlib import Path

from tests.claims import memorisation_world as world
from tests.claims.memorisation_world import add_memorisation
from tests.claims.world import results

from superposition.prose.memorisation import NAMES, texts
from superposition.values import NOT_RUN


def test_without_rows_every_value_says_so(tmp_path: Path) -> None:
    assert texts(results(tmp_path)) == dict.fromkeys(NAMES, NOT_RUN)


def test_values_are_those_of_the_mean_curve(tmp_path: Path) -> None:
    r = results(tmp_path)
    losses = {5: 1.0, 100: 3.0, 1_000: 0.9}
    team = world.models((5, 100, 1_000))
    add_memorisation(r, "data-sizes", team, test=lambda model: losses[model.n_points])
    found = texts(r)
    assert found["memory_peak_loss"] == "3.00"
    assert found["memory_peak_size"] == "100"
    assert found["memory_last_loss"] == "0.900"
    assert found["memory_few_share"] == "0.400"
    assert found["memory_models"] == "12"
    assert found["memory_features"] == "1,000"
    assert found["memory_polygon_starts"] == NOT_RUN
    assert set(found) == set(NAMES)
