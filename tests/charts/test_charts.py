"""Every figure is a valid specification that says in words what it shows."""

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import pytest
import tests.charts
import vl_convert
from tests.charts.synthetic import evaluations, features, frame, instances, with_row

from superposition import charts
from superposition.charts import claims, language, saes, toy
from superposition.features.display import visible
from superposition.site.figures import config, swaps

DENSITIES = (1.0, 0.2, 0.05)
SAES = ("l1", "batch-topk")


def history() -> pd.DataFrame:
    return frame("transformer/history.csv", 4, held_out_loss=[np.nan, 4.0, np.nan, 3.0])


def baselines() -> pd.DataFrame:
    return pd.DataFrame({"model": ["unigram", "five_gram"], "loss": [6.0, 2.9]})


def recovery() -> pd.DataFrame:
    table = frame("toy_sae/recovery.parquet", 4, instance=[0, 0, 1, 1], feature=[0, 1, 0, 1])
    return with_row(table, "no-resampling", "random-resampling")


def vectors() -> pd.DataFrame:
    kinds = ["feature", "feature", "latent", "latent"]
    columns = {"instance": 0, "kind": kinds, "index": [0, 1] * 2, "x": 0.6, "y": 0.8}
    return pd.DataFrame(columns)


def gram() -> pd.DataFrame:
    columns = {"feature_probability": [1.0, 0.1], "feature": 0, "other": 0, "product": 1.0}
    return pd.DataFrame(columns).assign(bias=0.0)


def logits() -> pd.DataFrame:
    table = frame("features/logits.parquet", 4, latent=7, sign=["up", "up", "down", "down"])
    return table.assign(text=[" a", "\ufffd", "\ufffd", "\n"])


def planted() -> pd.DataFrame:
    return frame("features/latents.parquet", 3, planted_kind=["dna", "", "base64"])


def records() -> pd.DataFrame:
    columns = {"paper": ["A", "A", "B"], "verdict": ["replicated", "not replicated", "partly"]}
    return pd.DataFrame({"id": ["a1", "a2", "b1"], **columns})


FIGURES: dict[Callable[..., alt.TopLevelMixin], Callable[[], tuple[pd.DataFrame, ...]]] = {
    toy.geometry: lambda: (features(DENSITIES, 5),),
    toy.geometry_slider: lambda: (features(DENSITIES, 5),),
    toy.gram: lambda: (gram(),),
    toy.represented: lambda: (instances(DENSITIES, 3), instances(DENSITIES, 2)),
    toy.norms: lambda: (features(DENSITIES, 20),),
    saes.recovery: lambda: (recovery(),),
    saes.directions: lambda: (vectors(),),
    saes.training: lambda: (with_row(frame("sae/history.csv", 3), *SAES),),
    saes.density_histogram: lambda: (with_row(frame("evaluation/latents.parquet", 9), *SAES),),
    saes.cosine_histogram: lambda: (with_row(frame("evaluation/latents.parquet", 9), *SAES),),
    saes.trade_off: lambda: (evaluations(*SAES),),
    saes.losses: lambda: (evaluations(*SAES),),
    language.packages: lambda: (frame("text/manifest.parquet", 30),),
    language.training_curve: lambda: (history(), baselines()),
    language.logit_effects: lambda: (logits(),),
    language.neuron_basis: lambda: (frame("features/neurons.parquet", 3, rank=[0, 1, 2]),),
    language.activations: lambda: (frame("features/examples.parquet", 3),),
    language.planted_contexts: lambda: (planted(),),
    claims.scorecard: lambda: (records(),),
}
for _found in pkgutil.iter_modules(tests.charts.__path__, "tests.charts."):
    if _found.name.endswith("_figures"):
        FIGURES |= importlib.import_module(_found.name).FIGURES
Spec = dict[str, Any]


@pytest.fixture(scope="module", params=FIGURES, ids=lambda figure: figure.__name__)
def spec(request: pytest.FixtureRequest) -> Spec:
    return request.param(*FIGURES[request.param]()).to_dict()


def test_every_public_function_of_the_charts_is_tested_here() -> None:
    modules = [getattr(charts, name) for name in charts.__all__]
    assert {name for module in modules for name in public_functions(module)} == set(FIGURES)


def public_functions(module: ModuleType) -> list[Callable[..., object]]:
    own = (thing for _, thing in inspect.getmembers(module, inspect.isfunction))
    return [
        one for one in own if one.__module__ == module.__name__ and not one.__name__.startswith("_")
    ]


def test_a_figure_is_a_valid_specification_with_title_and_description(spec: Spec) -> None:
    assert len(spec["title"]) > 20
    assert spec["description"].endswith(".")
    assert "nan" not in spec["description"]


def test_a_figure_shows_its_columns_and_no_others(spec: Spec) -> None:
    """Vega-Lite draws nothing, without a word, for a field that is not in the data."""
    known = {name for rows in spec["datasets"].values() for row in rows for name in row}
    assert fields(spec) <= known | {"text"}


def fields(part: object) -> set[str]:
    if isinstance(part, dict):
        inner = (fields(value) for key, value in part.items() if key != "datasets")
        own = {part["field"]} if isinstance(part.get("field"), str) else set()
        return own.union(*inner)
    return set().union(*map(fields, part)) if isinstance(part, list) else set()


def test_a_figure_names_only_colours_that_have_a_dark_version(spec: Spec) -> None:
    text = json.dumps({key: part for key, part in spec.items() if key != "config"})
    assert set(re.findall(r'"(#[0-9a-f]{6})"', text)) <= set(swaps())


def test_a_figure_draws_marks_and_none_without_size(spec: Spec) -> None:
    drawn = vl_convert.vegalite_to_svg(spec, config=config(dark=False))
    marks = re.findall(r'role="graphics-symbol"[^>]* d="([^"]+)"', drawn)
    assert marks or 'aria-roledescription="rule mark"' in drawn
    assert not [path for path in marks if "h0v" in path or "NaN" in path]


def test_no_axis_is_labelled_with_the_name_of_a_column(spec: Spec) -> None:
    raw = {"value", "low", "high", "recovered", "n_represented", "x", "y"}
    assert not raw & {title for title in titles(spec) if title}


def titles(part: object) -> set[str | None]:
    if isinstance(part, dict):
        inner = (titles(value) for key, value in part.items() if key in ("layer", "spec"))
        encoding = part.get("encoding", {})
        axes = [encoding[axis] for axis in ("x", "y") if axis in encoding]
        return {axis.get("title", axis.get("field")) for axis in axes}.union(*inner)
    return set().union(*map(titles, part)) if isinstance(part, list) else set()


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.__name__)
def test_a_figure_has_a_first_sentence_for_who_reads_the_code(
    figure: Callable[..., alt.TopLevelMixin],
) -> None:
    assert (figure.__doc__ or "").split("\n")[0].endswith(".")


def test_a_menu_offers_every_latent_and_begins_with_the_first() -> None:
    table = frame("features/neurons.parquet", 2, latent=[9, 4], rank=[0, 0])
    (parameter,) = language.neuron_basis(table).to_dict()["params"]
    assert parameter["value"] == 9
    assert parameter["bind"]["options"] == [9, 4]


def test_tokens_that_look_alike_are_told_apart_by_their_id() -> None:
    rows = language.logit_effects(logits()).to_dict()["datasets"].values()
    labels = [row["label"] for table in rows for row in table]
    assert labels == ["␣a", "\ufffd (1)", "\ufffd (2)", visible("\n")]


def test_dead_latents_are_counted_in_words_and_left_out_of_the_histogram() -> None:
    table = frame("evaluation/latents.parquet", 4, density=[0.0, 0.0, 0.01, 0.1])
    spec = saes.density_histogram(with_row(table, "l1")).to_dict()
    (rows,) = spec["datasets"].values()
    assert sum(row["count"] for row in rows) == 2
    assert "2 of 4 dead" in spec["description"]


def test_figures_come_out_when_every_latent_is_dead_and_nothing_was_measured() -> None:
    dead = frame("evaluation/latents.parquet", 3, density=0.0)
    assert "3 of 3 dead" in saes.density_histogram(with_row(dead, "l1")).to_dict()["description"]
    silent = frame("features/examples.parquet", 2, activations=[[0.0, 0.0]] * 2)
    language.activations(silent).to_dict()
    unmeasured = history().assign(held_out_loss=np.nan)
    chart = language.training_curve(unmeasured, baselines())
    assert "not measured" in chart.to_dict()["description"]
