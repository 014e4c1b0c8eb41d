"""How claims are found, when they are judged, and what is written down."""

import json
import sys
from pathlib import Path

import pytest
import torch
from tests.claims.world import add_sae, add_toy, polygon, results
from tests.paper.synthetic import write_theory
from torch import Tensor

from superposition.claims import core
from superposition.claims.core import Verdict, all_claims, judge, judge_all
from superposition.core.store import ArtefactError
from superposition.results import Results

FIRST = """a10-intro-dense a11-intro-80 a12-intro-90 a14-bias-rule-dense a15-linear-pca
a17-relu-20-5 a24-phase-n2m1-theory b02-sae-config b05-resampling b12-loss-recovered b15-l0-target
b17-dead-ultralow b22-over-1pct d06-blog-5-dirs d07-blog-nonunique d08-blog-nn-parameter
d09-toy-target d11-toy-no-resample d13-toy-resample-simple d14-toy-resample-advanced"""
KEYS = """id paper source statement quoted published expectation quantity measured interval verdict
detail figure code"""


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def claim(id: str) -> core.Claim:
    return {one.id: one for one in all_claims()}[id]


def test_the_first_claims_of_the_register_are_all_found_in_order() -> None:
    found = [one.id for one in all_claims()]
    assert set(FIRST.split()) <= set(found)
    assert found == sorted(found)


@pytest.mark.parametrize("one", all_claims(), ids=lambda one: one.id)
def test_a_claim_says_what_counts_and_leads_to_its_figure_and_its_code(one: core.Claim) -> None:
    assert all([one.paper, one.source, one.statement, one.published, one.quantity])
    assert one.expected.endswith(".")
    page, _, anchor = one.figure.partition(".html#")
    assert page.isascii()
    assert anchor.startswith(("fig-", "sec-", "tbl-"))
    module, _, name = one.code.partition(":")
    assert getattr(sys.modules[module], name) is one


def write_module(folder: Path, name: str, *ids: str) -> None:
    lines = ["from superposition.claims.core import Verdict, claim"]
    for index, id in enumerate(ids):
        lines += [
            f"@claim({id!r}, paper='p', source='s', published='', expected='', quantity='',",
            "       figure='')",
            f"def f{index}(r):",
            "    '''A sentence.'''",
            "    return Verdict(measured=1, holds='replicated', detail='')",
        ]
    (folder / f"{name}.py").write_text("\n".join(lines) + "\n")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / f"claims_{tmp_path.name}"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_a_new_module_is_found_without_being_listed_anywhere(package: Path) -> None:
    write_module(package, "one", "x2", "x1")
    write_module(package, "two", "x3")
    (package / "three.py").write_text(f"from {package.name}.one import f0\n")
    assert [one.id for one in all_claims(package.name)] == ["x1", "x2", "x3"]


def test_two_claims_with_one_id_are_an_error_that_names_both(package: Path) -> None:
    write_module(package, "one", "x1")
    write_module(package, "two", "x1")
    with pytest.raises(ValueError, match=r"claim x1 is in \S+one:f0 and \S+two:f0"):
        all_claims(package.name)


def test_a_claim_without_the_papers_sentence_is_an_error() -> None:
    def silent(r: Results) -> Verdict: ...

    decorate = core.claim(
        "x", paper="", source="", published="", expected="", quantity="", figure=""
    )
    with pytest.raises(ValueError, match="claim x has no docstring"):
        decorate(silent)


def test_at_smoke_scale_only_claims_that_need_no_training_are_judged(tmp_path: Path) -> None:
    r = results(tmp_path, scale="smoke")
    write_theory(r.store)
    records = judge_all(r)
    judged = {one.claim.id for one in records if one.verdict.holds != "not run at this scale"}
    assert judged == {one.id for one in all_claims() if not one.rows}
    refused = next(one.verdict for one in records if one.claim.id == "a10-intro-dense")
    assert refused.detail == "Needs the scale laptop or full; this is smoke."


def test_a_claim_about_a_row_that_the_scale_leaves_out_is_not_run(r: Results) -> None:
    del r.params.tree["toy"]["sae-target"]
    verdict = judge(claim("d09-toy-target"), r).verdict
    assert verdict.holds == "not run at this scale"
    assert "toy.sae-target" in verdict.detail


def test_a_claim_about_a_density_that_was_not_trained_is_not_run(r: Results) -> None:
    add_toy(r, "five-in-two", {1.0: [polygon(5)], 0.5: [polygon(5)]})
    verdict = judge(claim("a12-intro-90"), r).verdict
    assert verdict.holds == "not run at this scale"
    assert "0.1 in the row toy.five-in-two; have: 1, 0.5" in verdict.detail


def test_a_missing_artefact_is_an_error_that_names_claim_and_stage(r: Results) -> None:
    with pytest.raises(ArtefactError, match=r"claim b12-loss-recovered: no .*repro evaluation"):
        judge(claim("b12-loss-recovered"), r)


def test_an_entry_of_the_file_has_every_key_and_survives_json(r: Results) -> None:
    add_sae(r, "l1", {})
    entry = judge(claim("b17-dead-ultralow"), r).as_json()
    assert set(entry) == set(KEYS.split())
    assert json.loads(json.dumps(entry, allow_nan=False)) == entry
    low, high = entry["interval"]
    assert low < entry["measured"] < high


def test_the_same_results_give_the_same_intervals(r: Results) -> None:
    add_toy(r, "five-in-two", {1.0: [noisy_pentagon(seed) for seed in range(5)]})
    one, two = (judge(claim("a10-intro-dense"), r).as_json() for _ in range(2))
    assert one == two


def noisy_pentagon(seed: int) -> Tensor:
    return polygon(5) + 0.1 * torch.randn(5, 2, generator=torch.Generator().manual_seed(seed))


def test_a_partial_run_leaves_open_what_did_not_run_and_refuses_what_is_damaged(
    r: Results,
) -> None:
    loss_recovered = claim("b12-loss-recovered")
    record = judge(loss_recovered, r, partial=True)
    assert record.verdict.holds == "not run at this scale"
    assert record.verdict.detail == "Needs evaluation@l1, which this partial run does not have."
    path = r.store.path("evaluation", "l1", "metrics.json")
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(
        ArtefactError, match=r"claim b12-loss-recovered: .*metrics\.json is truncated"
    ):
        judge(loss_recovered, r, partial=True)
