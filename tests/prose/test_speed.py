"""The values of the page on speed: whose clock, the extremes, and nothing where nothing ran."""

from pathlib import Path

import pytest
import torch
from tests.charts.benchmarks_figures import record as made_up
from tests.charts.benchmarks_figures import sections
from tests.claims.world import results

from superposition.benchmarks import record, tables
from superposition.benchmarks.plan import ARCHITECTURES
from superposition.core import compute
from superposition.prose import speed
from superposition.values import NOT_RUN


def test_without_a_benchmark_every_value_says_so(tmp_path: Path) -> None:
    assert set(speed.texts(results(tmp_path)).values()) == {NOT_RUN}


def test_without_a_benchmark_the_page_says_how_to_run_it() -> None:
    shown = tables.shown(record.Record({}), lambda: pytest.fail("nothing to show"))
    assert "make bench" in str(shown.data)


@pytest.fixture
def texts(tmp_path: Path) -> dict[str, str]:
    record.save(sections(), tmp_path / record.PATH)
    return speed.texts(results(tmp_path))


def test_a_processor_with_bfloat16_units_has_a_record_of_its_own(tmp_path: Path) -> None:
    record.save(sections(processor="another"), tmp_path / record.BF16_PATH)
    texts = speed.texts(results(tmp_path))
    assert texts["speed_machine"] == texts["speed_smallest"] == NOT_RUN
    assert texts["speed_bf16_machine"] == "another"
    assert texts["speed_bf16_smallest"].startswith("6.00 (SAELens, ")
    missing = tables.shown_bf16(record.Record({}), lambda: pytest.fail("nothing to show"))
    assert "such a processor" in str(missing.data)


@pytest.mark.parametrize(
    ("device", "has_units", "path"),
    [
        ("cpu", False, record.PATH),
        ("cpu", True, record.BF16_PATH),
        ("cuda", True, record.GPU_PATH),
    ],
)
def test_a_record_is_kept_for_each_kind_of_machine(
    device: str, has_units: bool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compute, "has_fast_bf16", lambda _: has_units)
    assert record.path_for(torch.device(device)) == path


def test_the_extremes_name_the_peer_and_where_it_was(texts: dict[str, str]) -> None:
    assert texts["speed_smallest"].startswith("6.00 (SAELens, ")
    assert texts["speed_plain"] == "4.00 to 4.00"
    assert texts["speed_product_share"] == "50% to 50%"
    assert texts["speed_tokens_low"] == "10,240"
    assert texts["speed_memory"] == "10 of 10"


def test_differences_in_quality_are_from_ours_at_the_same_l0(texts: dict[str, str]) -> None:
    assert texts["speed_quality_gap"] == "−0.020"
    assert texts["speed_plain_quality_gap"] == "0.002"
    assert (texts["speed_quality_within"], texts["speed_quality_noise"]) == ("less", "0.01")
    assert texts["speed_offset_dictionary_learning"] == "0.750"


def test_a_benchmark_that_was_stopped_shows_what_it_has(tmp_path: Path) -> None:
    stopped = sections() | {"quality": [], "metrics": [], "versions": {}}
    record.save(stopped, tmp_path / record.PATH)
    texts = speed.texts(results(tmp_path))
    assert texts["speed_tokens_low"] == "10,240"
    assert texts["speed_quality_gap"] == texts["speed_offset_ours"] == NOT_RUN
    assert tables.quality(record.Record(stopped)).empty


def test_another_batch_size_at_the_same_width_is_no_second_width(texts: dict[str, str]) -> None:
    assert len(made_up().main) == 5 * len(ARCHITECTURES)
    assert set(made_up().by_batch_size["batch_size"]) == {256, 4096}
    assert (texts["speed_widest"], texts["speed_widest_batch"]) == ("4,096", "4,096")
    assert texts["speed_widest_timed"] == f"{len(ARCHITECTURES)} of {len(ARCHITECTURES)}"
    assert texts["speed_widest_ours"] == "10,240 to 10,240"


def test_architectures_that_are_not_timed_at_the_widest_are_told(tmp_path: Path) -> None:
    found = sections()
    widest = max(step["d_sae"] for step in found["steps"])
    kept = [step for step in found["steps"] if (step["d_sae"], step["arch"]) != (widest, "l1")]
    record.save(found | {"steps": kept}, tmp_path / record.PATH)
    n = len(ARCHITECTURES)
    assert speed.texts(results(tmp_path))["speed_widest_timed"] == f"{n - 1} of {n}"


def test_what_was_left_out_is_said_in_one_line_each(texts: dict[str, str]) -> None:
    assert texts["speed_left_out"] == "SAELens: NotImplementedError"


@pytest.mark.parametrize(("load", "clock"), [(1.5, "wall"), (2.5, "cpu")])
def test_processor_time_counts_where_other_programs_want_the_cores(load: float, clock: str) -> None:
    assert made_up(load=load, cores=2).clock == clock


def test_the_fastest_peer_is_chosen_for_each_architecture_and_width() -> None:
    table = tables.ratios(made_up())
    assert len(table) == 10
    assert set(table["fastest peer"]) == {"SAELens, float32"}
    assert set(table["times ours"]) == {"6.00"}


def test_what_a_peer_does_not_measure_is_left_empty() -> None:
    sections_ = sections()
    sections_["metrics"][0]["SAELens"] = 0.25
    table = tables.metrics(record.Record(sections_))
    assert table["SAELens"].tolist()[:2] == ["0.2500", "–"]


def test_memory_and_quality_have_a_row_for_each_that_was_measured() -> None:
    assert len(tables.memory(made_up())) == 5
    assert len(tables.quality(made_up())) == 6
