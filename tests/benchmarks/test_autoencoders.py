"""The benchmark of autoencoders: everyone starts alike, takes turns, and is heard if it fails."""

import itertools
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from superposition.benchmarks import autoencoders, ours, record, report
from superposition.benchmarks.__main__ import main
from superposition.benchmarks.client import Process, Seat, WorkerError, environment
from superposition.benchmarks.meters import Processor
from superposition.benchmarks.ours import CONTENDERS, Ours, Plain
from superposition.benchmarks.plan import (
    ARCHITECTURES,
    ON_GPU,
    QUICK,
    WIDE_ARCHITECTURES,
    Plan,
    plan_for,
)
from superposition.benchmarks.serve import Worker
from superposition.benchmarks.stream import Case, batches, first_weights
from superposition.core.compute import has_fast_bf16

CASE = Case(arch="topk", d_in=16, d_sae=64, batch_size=32, k=4, n_steps=5, lr=1e-3, seed=0)
ROW = {"arch": "topk", "d_sae": 64, "batch_size": 32, "contender": "ours", "setting": "float32"}
ROW |= {"wall_seconds": 1.0, "cpu_seconds": 1.0, "wall_ratio": 1.0, "cpu_ratio": 1.0}
ROW |= {"peak_bytes": 1, "l0": 4.0}
STAND_IN = """
import json, sys
print("a library says hello")
for line in sys.stdin:
    question = json.loads(line)
    case = question.get("case", {})
    if case.get("arch") == "gated" and sys.argv[1] == "SAELens":
        print(json.dumps({"error": "NotImplementedError: gated"}), flush=True)
        continue
    if sys.argv[1] == "sparsify" and question["do"] == "versions":
        print(json.dumps({"error": "ModuleNotFoundError: No module named 'sparsify'"}), flush=True)
        continue
    slow = 3.0 if sys.argv[1] == "SAELens" else 1.0
    answers = {
        "start": {"setting": "float32"},
        "steps": {"wall": [slow], "cpu": [2 * slow]},
        "stop": {"peak_bytes": 1, "l0": 4.0},
        "train": {"explained_variance": 0.5, "l0": 4.0},
        "versions": {"sae-lens": "0"},
        "metrics": {"SAELens": {"explained_variance": 0.25}},
    }
    print(json.dumps(answers[question["do"]]), flush=True)
"""


def stand_in(name: str) -> Seat:
    """A worker that answers at once, without torch."""
    return Seat(name=name, command=(sys.executable, "-c", STAND_IN, name))


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("contender", [Ours, Plain])
def test_a_contender_makes_steps_and_has_k_latents_active(contender, arch):
    worker = Worker(contender)
    case = replace(CASE, arch=arch, lr=1e-6)
    is_rounded = contender is Ours and has_fast_bf16(torch.device("cpu"))
    setting = "bfloat16 product" if is_rounded else "float32"
    assert worker.answer({"do": "start", "case": vars(case)}) == {"setting": setting}
    taken = worker.answer({"do": "steps", "n": 2})
    assert len(taken["wall"]) == len(taken["cpu"]) == 2
    stopped = worker.answer({"do": "stop"})
    assert stopped["l0"] == pytest.approx(CASE.k, rel=0.3)


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float32, 1e-4), (torch.bfloat16, 1e-2)],
    ids=["exact", "rounded"],
)
def test_ours_and_the_plain_step_learn_the_same(dtype, tolerance, monkeypatch):
    """With inputs rounded to bfloat16, where the processor has no such units, too."""
    monkeypatch.setattr(ours, "matmul_dtype", lambda _: dtype)
    answers = [
        Worker(each).answer({"do": "train", "case": vars(replace(CASE, n_steps=20, lr=1e-2))})
        for each in (Ours, Plain)
    ]
    assert answers[0]["explained_variance"] > 0.1
    assert answers[0] == pytest.approx(answers[1], abs=tolerance)


@pytest.mark.parametrize("limit", ["product", "memory"])
def test_a_limit_is_timed_like_a_contender(limit):
    worker = Worker(CONTENDERS[limit])
    worker.answer({"do": "start", "case": vars(CASE)})
    assert worker.answer({"do": "steps", "n": 1})["wall"][0] > 0


def test_what_goes_wrong_is_an_answer():
    answer = Worker(Ours).answer({"do": "start", "case": vars(replace(CASE, arch="none"))})
    assert answer["error"].startswith("ValueError: arch='none'")


def test_a_batch_number_gives_the_same_inputs_wherever_the_stream_begins():
    third = next(itertools.islice(batches(CASE), 3, None))
    torch.testing.assert_close(third, next(batches(CASE, 3)), rtol=0, atol=0)
    assert not torch.equal(third, next(batches(CASE, 4)))
    assert not torch.equal(third, next(batches(replace(CASE, seed=1), 3)))


def test_the_cut_leaves_k_latents_active():
    case = replace(CASE, d_sae=512, batch_size=256)
    weights = first_weights(case)
    active = (next(batches(case)) @ weights.W_enc > weights.cut).sum(-1).double().mean()
    assert float(active) == pytest.approx(case.k, rel=1e-6)
    torch.testing.assert_close(weights.W_dec.norm(dim=-1), torch.ones(512))


def test_ratios_are_taken_within_rounds():
    rounds = [
        {"ours": {"wall": [1.0], "cpu": [1.0]}, "peer": {"wall": [4.0], "cpu": [2.0]}},
        {"ours": {"wall": [9.0], "cpu": [1.0]}, "peer": {"wall": [36.0], "cpu": [2.0]}},
    ]
    found = autoencoders._summary(rounds, "peer")
    assert found["wall_ratio_low"] == found["wall_ratio"] == found["wall_ratio_high"] == 4.0
    assert found["wall_seconds"] == 20.0
    assert found["cpu_ratio"] == 2.0


def test_a_run_has_a_record_for_each_contender_and_says_who_could_not(tmp_path: Path):
    where = [stand_in("ours"), stand_in("SAELens")]
    found = autoencoders.measure(QUICK, where, root=tmp_path, progress=lambda cases, _: cases)
    by = {(row["arch"], row["contender"]): row for row in found["steps"]}
    assert by["topk", "SAELens"]["wall_ratio"] == 3.0
    sizes = [row["batch_size"] for row in found["steps"] if row["arch"] == "topk"]
    assert sizes == [64, 64, 32, 32]
    assert ("gated", "SAELens") not in by
    assert found["left_out"] == ["gated at 64: SAELens: NotImplementedError: gated"]
    assert {row["SAELens"] for row in found["metrics"] if "SAELens" in row} == {0.25}
    assert found["versions"] == {"sae-lens": "0"}
    trained = [row["contender"] for row in found["quality"] if row["arch"] == "topk"]
    assert trained == ["ours", "SAELens", "ours"]
    assert "left out: gated at 64" in report.table(found)


def test_the_widest_dictionaries_have_fewer_inputs_turns_and_architectures():
    plan = Plan()
    cases = [case for case in plan.cases() if case.d_sae == 65536]
    assert [case.arch for case in cases] == list(WIDE_ARCHITECTURES)
    assert {case.batch_size for case in cases} == {1024}
    assert {plan.rounds_of(case) for case in cases} == {3}
    assert {case.batch_size for case in plan.cases() if case.d_sae == 4096} == {256, 1024, 4096}


def test_a_peer_that_cannot_be_imported_is_left_out_once(tmp_path: Path):
    where = [stand_in(name) for name in ("ours", "SAELens", "sparsify")]
    found = autoencoders.measure(QUICK, where, root=tmp_path, progress=lambda cases, _: cases)
    assert {row["contender"] for row in found["steps"]} == {"ours", "SAELens"}
    assert [each for each in found["left_out"] if "sparsify" in each] == [
        "sparsify: ModuleNotFoundError: No module named 'sparsify'"
    ]
    assert found["versions"] == {"sae-lens": "0"}


def test_everything_so_far_is_kept_after_every_case(tmp_path: Path):
    kept = []
    autoencoders.measure(
        QUICK,
        [stand_in("ours")],
        root=tmp_path,
        progress=lambda cases, _: cases,
        keep=lambda found, new: kept.append((len(found["steps"]), len(new), len(found["quality"]))),
    )
    n_cases, n_trained = len(QUICK.cases()), len(QUICK.quality())
    assert kept[:n_cases] == [(i + 1, 1, 0) for i in range(n_cases)]
    assert kept[n_cases:-1] == [(n_cases, 0, i + 1) for i in range(n_trained)]


def test_the_product_is_a_share_of_the_best_rate(tmp_path: Path):
    where = [stand_in("ours"), stand_in("product")]
    found = autoencoders.measure(
        replace(QUICK, archs=("topk",)),
        where,
        root=tmp_path,
        progress=lambda cases, _: cases,
        product_rate=2.0 * 64 * 16 * 64 * 4,
    )
    shares = [row.get("product_share") for row in found["steps"]]
    assert shares == [0.25, None, 0.125, None]


def test_a_contender_that_fails_on_the_way_stops_nobody(tmp_path: Path):
    failing = STAND_IN.replace('"steps": {"wall"', '"steps": {"error": "OutOfMemoryError", "wall"')
    seat = Seat(name="plain", command=(sys.executable, "-c", failing, "plain"))
    plan = replace(QUICK, archs=("topk",), batch_sizes=())
    found = autoencoders.measure(
        plan, [stand_in("ours"), seat], root=tmp_path, progress=lambda cases, _: cases
    )
    assert [row["contender"] for row in found["steps"]] == ["ours"]
    assert found["left_out"] == ["topk at 64: plain: OutOfMemoryError"]


def test_one_round_has_no_spread():
    rounds = [{"ours": {"wall": [2.0], "cpu": [1.0]}}]
    found = autoencoders._summary(rounds, "ours")
    assert found["wall_seconds_low"] == found["wall_seconds"] == found["wall_seconds_high"] == 2.0


def test_a_gpu_has_larger_batches_and_turns_of_several_steps():
    plan = plan_for("cuda")
    assert plan == ON_GPU
    cases = plan.cases()
    assert {case.device for case in [*cases, *plan.quality()]} == {"cuda"}
    assert {case.batch_size for case in cases if case.d_sae != 4096} == {8192}
    assert [case.batch_size for case in cases[-2:]] == [1024, 4096]
    assert plan_for("cuda:1").device == "cuda:1"
    assert plan_for("cpu") == Plan()
    assert plan_for("cuda", quick=True) == replace(QUICK, device="cuda")


def test_a_case_is_on_the_processor_unless_said_otherwise():
    assert CASE.device == "cpu"
    assert {case.device for case in Plan().cases()} == {"cpu"}


def test_a_plan_of_some_architectures_has_only_those():
    plan = Plan(archs=("l1", "gated"))
    assert {case.arch for case in plan.cases()} == {"l1", "gated"}
    assert plan.quality() == []


def test_an_architecture_that_peers_do_not_have_is_refused():
    with pytest.raises(ValueError, match=r"archs=\['vanilla'\]; allowed: topk, batch_topk, l1"):
        Plan(archs=("topk", "vanilla"))


def test_our_package_comes_before_what_was_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    ours = str(tmp_path.resolve() / "src")
    monkeypatch.setenv("PYTHONPATH", "peers")
    found = environment(tmp_path, n_threads=1, device="cpu")
    assert found["PYTHONPATH"] == f"{ours}{os.pathsep}peers"
    assert found["SPARSIFY_DISABLE_TRITON"] == "1"
    monkeypatch.delenv("PYTHONPATH")
    found = environment(tmp_path, n_threads=1, device="cuda")
    assert found["PYTHONPATH"] == ours
    assert "SPARSIFY_DISABLE_TRITON" not in found


def test_several_steps_of_a_gpu_share_a_time():
    class Asynchronous(Processor):
        more_steps, waits_each_step = 4, False

    worker = Worker(Plain)
    worker.answer({"do": "start", "case": vars(CASE)})
    worker.meter = Asynchronous()
    assert len(worker.answer({"do": "steps", "n": 3})["wall"]) == 1
    assert worker.made == 2 + 3


def test_an_error_leaves_nothing_of_the_case_behind():
    worker = Worker(Ours)
    worker.answer({"do": "start", "case": vars(CASE)})
    assert "error" in worker.answer({"do": "start", "case": vars(replace(CASE, arch="none"))})
    assert worker.contender is None
    assert worker.xs == []


def test_the_record_has_every_case_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    out = tmp_path / "bench.json"
    lengths = []

    def measure(plan, where, *, keep, **_):
        found = {"steps": [], "quality": [], "left_out": []}
        for row in (ROW, ROW):
            found["steps"].append(row)
            keep(found, [row])
            lengths.append(len(json.loads(out.read_text())["steps"]))
        return found

    monkeypatch.setattr(autoencoders, "measure", measure)
    main(["autoencoders", "--quick", "--archs", "topk", "--out", str(out)])
    assert lengths == [1, 2]
    assert json.loads(out.read_text())["plan"]["archs"] == ["topk"]


def test_a_device_that_is_not_there_is_refused():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ValueError, match="torch sees no CUDA device"):
        main(["autoencoders", "--device", "cuda"])


def test_a_process_that_ends_is_said_to_have_ended(tmp_path: Path):
    seat = Seat(name="SAELens", command=(sys.executable, "-c", "raise SystemExit(3)"))
    with (
        Process(seat, root=tmp_path, n_threads=1) as process,
        pytest.raises(WorkerError, match="SAELens ended with code 3"),
    ):
        process.ask("start", case=CASE)


def test_a_record_keeps_the_sections_that_were_not_measured_again(tmp_path: Path):
    path = tmp_path / "bench.json"
    record.save({"toy": [1], "steps": [1]}, path)
    record.save({"steps": [2]}, path)
    assert json.loads(path.read_text()) == {"steps": [2], "toy": [1]}


def test_nothing_measured_is_an_empty_record(tmp_path: Path):
    found = record.load(tmp_path)
    assert found.sections == {}
    assert found.steps.empty
