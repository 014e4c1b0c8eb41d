"""The numbers of the page on phase changes, from maps made by hand."""

from pathlib import Path

import torch
from tests.claims.test_phases import add_theory, as_theory, ideal, train
from tests.claims.world import results

from superposition.prose import phases
from superposition.toy.phases import THREE_IN_TWO, TWO_IN_ONE
from superposition.values import NOT_RUN


def test_maps_as_theory_has_them_are_put_into_words(tmp_path: Path) -> None:
    r = results(tmp_path)
    add_theory(r)
    train(r, "phase-two-in-one", TWO_IN_ONE, as_theory, others=torch.ones(2, 1))
    train(r, "phase-three-in-two", THREE_IN_TWO, lambda phase, p, _: ideal(THREE_IN_TWO)[phase])
    texts = phases.texts(r)
    assert (texts["phase_models"], texts["phase_seeds"], texts["phase_cells"]) == ("128", "2", "64")
    assert texts["phase_share"] == "50.0%"
    assert texts["phase_exact_agreement"] == "100%"
    assert texts["phase_joint"] == "0 of 64"


def test_a_scale_without_trained_maps_says_so(tmp_path: Path) -> None:
    r = results(tmp_path)
    add_theory(r)
    texts = phases.texts(r)
    assert {texts[name] for name in ("phase_models", "phase_share", "phase_joint")} == {NOT_RUN}
