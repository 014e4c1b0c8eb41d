"""The values of the section on a GPU: its card's own, extremes with names, or nothing."""

from pathlib import Path

import pytest
from tests.charts.benchmarks_figures import gpu_sections
from tests.claims.world import results

from superposition.benchmarks import record, tables
from superposition.prose import speed_gpu
from superposition.prose.speed_gpu import NOT_MEASURED
from superposition.values import values


def texts_of(folder: Path, sections: record.Sections) -> dict[str, str]:
    record.save(sections, folder / record.GPU_PATH)
    return speed_gpu.texts(results(folder))


def test_without_a_record_every_value_says_so(tmp_path: Path) -> None:
    assert set(speed_gpu.texts(results(tmp_path)).values()) == {NOT_MEASURED}


@pytest.mark.parametrize("empty", [{}, {"steps": []}])
def test_an_empty_record_is_none(tmp_path: Path, empty: record.Sections) -> None:
    assert set(texts_of(tmp_path, empty).values()) == {NOT_MEASURED}
    shown = tables.shown_on_gpu(record.Record(empty), lambda: pytest.fail("nothing to show"))
    assert "--device cuda" in str(shown.data)


def test_the_card_is_named_with_what_was_measured_on_it(tmp_path: Path) -> None:
    texts = texts_of(tmp_path, gpu_sections())
    assert texts["speed_gpu_card"] == "NVIDIA H100 80GB HBM3"
    assert texts["speed_gpu_memory"] == "85.0\u00a0GB"
    assert texts["speed_gpu_product_rate"] == "700\u00a0TFLOP/s"
    assert texts["speed_gpu_copy_rate"] == "2,500\u00a0GB/s"
    assert texts["speed_gpu_share"] == "50.0% to 75.0%"


def test_ratios_are_of_wall_time_whatever_the_processor_does(tmp_path: Path) -> None:
    texts = texts_of(tmp_path, gpu_sections())
    assert record.Record(gpu_sections()).clock == "wall"
    assert texts["speed_gpu_saelens_low"].startswith("6.00 (TopK at ")
    assert texts["speed_gpu_fastest_high"].startswith("6.00 (SAELens, ")
    assert texts["speed_gpu_plain"] == "4.00 to 4.00"
    assert (texts["speed_gpu_narrowest"], texts["speed_gpu_tokens"]) == (
        "1,024",
        "40,960 to 40,960",
    )


def test_differences_in_quality_are_at_the_same_seed(tmp_path: Path) -> None:
    texts = texts_of(tmp_path, gpu_sections())
    assert texts["speed_gpu_quality_plain"] == "0.002"
    assert texts["speed_gpu_quality_peer"] == "−0.020"


def test_a_run_that_was_cut_short_shows_what_it_has(tmp_path: Path) -> None:
    sections = gpu_sections()
    alone = [row for row in sections["steps"] if row["contender"] == "ours"][:1]
    alone[0].pop("product_share")
    cut = sections | {"steps": alone, "quality": [], "versions": {}, "left_out": []}
    texts = texts_of(tmp_path, cut)
    assert texts["speed_gpu_left_out"] == "nothing"
    for name in ("saelens_low", "fastest_high", "plain", "share", "quality_peer"):
        assert texts[f"speed_gpu_{name}"] == NOT_MEASURED
    table = tables.on_gpu(record.Record(cut))
    assert table["SAELens, times ours"].tolist() == ["–"]
    assert table["product's share of the best rate"].tolist() == ["–"]


def test_settings_that_did_not_run_are_named_once_and_without_marks(tmp_path: Path) -> None:
    texts = texts_of(tmp_path, gpu_sections())
    assert texts["speed_gpu_broken"] == "float32, sparse activations (SAELens)"
    assert texts["speed_gpu_left_out"] == "gated at 4096: SAELens: OutOfMemoryError"


def test_every_case_has_a_row_with_the_setting_that_counted() -> None:
    table = tables.on_gpu(record.Record(gpu_sections()))
    assert len(table) == 11
    assert set(table["SAELens' fastest setting"]) == {"bfloat16 autocast"}
    assert table["inputs a step"].tolist()[-1] == 256
    assert set(table["product's share of the best rate"]) == {"50.0%", "75.0%"}


def test_values_of_a_record_name_its_file(tmp_path: Path) -> None:
    record.save(gpu_sections(), tmp_path / record.GPU_PATH)
    v = values(results(tmp_path))
    assert v.speed_gpu_card.origins == "data/bench-gpu.json"
    assert v.speed_machine.origins == "data/bench.json"
