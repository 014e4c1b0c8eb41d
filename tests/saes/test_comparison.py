"""Variants see the same inputs from the same start, and are told what each has of its own."""

from dataclasses import asdict
from typing import Any

import pytest
import torch
from tests.saes.rows import training

from superposition.core import store
from superposition.core.params import ParameterError, build
from superposition.saes import comparison
from superposition.saes.comparison import Compared, ComparisonConfig

CPU = torch.device("cpu")


def row(**fields: Any) -> ComparisonConfig:
    shared = {"arch": "l1", "d_sae": 3, "seed": 0, "l1_coefficient": 0.01, "resampling": None}
    defaults: dict[str, Any] = {
        "models": "tiny",
        "data": {"n_copies": 2},
        "trace_every": 8,
        "shared": shared | {"training": asdict(training(dead_window=2))},
        "variants": {"plain": {}, "same": {}, "tied": {"tied": True}},
    }
    return build(ComparisonConfig, defaults | fields, key="row", origin="test")


def compared(config: ComparisonConfig) -> Compared:
    return comparison.compare(config, torch.eye(3)[None], 0.2, device=CPU)


@pytest.fixture(scope="module")
def found() -> Compared:
    return compared(row())


def test_the_tables_have_the_columns_of_the_schema(found: Compared) -> None:
    for name, table in found._asdict().items():
        assert list(table.columns) == list(store.schema()[f"toy_comparison/{name}.parquet"])


def test_equal_variants_give_equal_results_and_others_do_not(found: Compared) -> None:
    plain, same, tied = (
        found.trace.loc[found.trace["variant"] == name, ["loss", "l0"]].to_numpy()
        for name in ("plain", "same", "tied")
    )
    assert (plain == same).all()
    assert (plain != tied).any()


def test_copies_are_different_autoencoders(found: Compared) -> None:
    plain = found.instances.loc[found.instances["variant"] == "plain"]
    assert plain["instance"].tolist() == [0, 1]
    assert plain["loss"].nunique() == 2


def test_the_order_of_variants_and_the_number_of_threads_change_nothing(found: Compared) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        other = compared(row(variants={"tied": {"tied": True}, "plain": {}}))
    finally:
        torch.set_num_threads(before)
    for name in ("plain", "tied"):
        left, right = (
            each.instances.loc[each.instances["variant"] == name].reset_index(drop=True)
            for each in (found, other)
        )
        assert left.equals(right)


def test_the_trace_has_the_steps_around_each_resampling() -> None:
    resampling = {"kind": "loss", "at": [0.5], "n_inputs": 32, "encoder_scale": 0.2}
    config = row(variants={"one": {"resampling": resampling}})
    steps = sorted(set(compared(config).trace["step"]))
    assert steps == [0, 8, 9, 10, 16, 20]


def test_the_summary_has_means_of_every_variant(found: Compared) -> None:
    summary = comparison.summary(found.instances)
    assert list(summary) == ["plain", "same", "tied"]
    plain = found.instances.loc[found.instances["variant"] == "plain"]
    assert summary["plain"]["l0"] == pytest.approx(plain["l0"].mean())


def test_a_variant_with_a_mistake_is_refused_when_the_row_is_read() -> None:
    with pytest.raises(ParameterError, match=r"unknown parameter wrong\.l2_coefficient"):
        row(variants={"wrong": {"l2_coefficient": 1.0}})
    with pytest.raises(ParameterError, match="variants is empty"):
        row(variants={})
    with pytest.raises(ParameterError, match="variant a has no arch"):
        row(shared={}, variants={"a": {}})
    with pytest.raises(ParameterError, match="trace_every=0"):
        row(trace_every=0)


def test_what_a_variant_has_of_its_own_replaces_mappings_key_by_key() -> None:
    base = {"training": {"lr": 1.0, "n_steps": 5}, "resampling": {"kind": "loss"}}
    own = {"training": {"lr": 2.0}, "resampling": None}
    assert comparison.merged(base, own) == {
        "training": {"lr": 2.0, "n_steps": 5},
        "resampling": None,
    }
    assert base["training"]["lr"] == 1.0
