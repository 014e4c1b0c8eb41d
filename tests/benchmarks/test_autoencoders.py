"""The benchmark of autoencoders: everyone starts alike, takes turns, and is heard if it fails."""

import itertools
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from superposition.benchmarks import autoencoders, record, report
from superposition.benchmarks.autoencoders import ARCHITECTURES, QUICK, WIDE_ARCHITECTURES
from superposition.benchmarks.client import Process, Seat, WorkerError
from superposition.benchmarks.ours import CONTENDERS, Ours, Plain
from superposition.benchmarks.serve import Worker
from superposition.benchmarks.stream import Case, batches, first_weights

CASE = Case(arch="topk", d_in=16, d_sae=64, batch_size=32, k=4, n_steps=5, lr=1e-3, seed=0)
STAND_IN = """
import json, sys
print("a library says hello")
for line in sys.stdin:
    question = json.loads(line)
    case = question.get("case", {})
    if case.get("arch") == "gated" and sys.argv[1] == "SAELens":
        print(json.dumps({"error": "NotImplementedError: gated"}), flush=True)
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
    assert worker.answer({"do": "start", "case": vars(case)}) == {"setting": "float32"}
    taken = worker.answer({"do": "steps", "n": 2})
    assert len(taken["wall"]) == len(taken["cpu"]) == 2
    stopped = worker.answer({"do": "stop"})
    assert stopped["l0"] == pytest.approx(CASE.k, rel=0.3)


def test_ours_and_the_plain_step_learn_the_same():
    answers = [
        Worker(each).answer({"do": "train", "case": vars(replace(CASE, n_steps=20, lr=1e-2))})
        for each in (Ours, Plain)
    ]
    assert answers[0]["explained_variance"] > 0.1
    assert answers[0] == pytest.approx(answers[1], abs=1e-4)


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
    plan = autoencoders.Plan()
    cases = [case for case in plan.cases() if case.d_sae == 65536]
    assert [case.arch for case in cases] == list(WIDE_ARCHITECTURES)
    assert {case.batch_size for case in cases} == {1024}
    assert {plan.rounds_of(case) for case in cases} == {3}
    assert {case.batch_size for case in plan.cases() if case.d_sae == 4096} == {256, 1024, 4096}


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
