"""Every row of every scale is sound, and a wrong one is refused before anything runs."""

from pathlib import Path
from typing import Any

import pytest

from superposition import rows
from superposition.core.params import ParameterError, Params, scales
from superposition.saes import base

ROOT = Path(__file__).parents[1]


def changed(path: str, value: Any) -> Params:
    """The laptop's parameters with one value replaced."""
    params = Params.read(root=ROOT)
    *parents, last = path.split(".")
    tree = params.tree
    for parent in parents:
        tree = tree[parent]
    tree[last] = value
    return params


@pytest.mark.parametrize("scale", scales(ROOT))
def test_every_row_of_every_scale_is_sound(scale: str) -> None:
    params = Params.read(scale, root=ROOT)
    rows.check(params)
    assert set(params.tree) == {"scale", "device", *rows.SECTIONS, *rows.SECTIONS_OF_ROWS}


def test_every_architecture_has_a_row() -> None:
    params = Params.read(root=ROOT)
    used = {
        params.value(section, row)["arch"]
        for section in ("sae", "toy_sae", "sweep")
        for row in params.rows(section)
    }
    assert used == set(base.architectures())


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("sae.batch-topk.k", 5000, r"k=5000 exceeds d_sae=4096 \(params\.yaml: sae\.batch-topk\)"),
        (
            "sae.l1.arch",
            "l2",
            r"arch='l2' is unknown; have: .*l1.* \(params\.yaml: sae\.l1\.arch\)",
        ),
        ("toy.sae-target.feature_probabilities", [1.5], r"holds \[1\.5\]; allowed: above 0"),
        (
            "sae.l1.d_sea",
            3,
            r"unknown parameter sae\.l1\.d_sea = 3 \(params\.yaml\); allowed: .*d_sae",
        ),
        ("sae.l1.training.lr", "1e-3", r"sae\.l1\.training\.lr = '1e-3'.*write 0\.001"),
        ("sae.l1.activations", "other", r"sae\.l1 builds on activations\.other, .* have: main"),
        (
            "features.autoencoders.l1",
            "shuffled",
            r"features\.autoencoders has l1: shuffled; have: l1: main",
        ),
        ("sweep.widths.levels", [600], r"k=600 exceeds d_sae=512 \(params\.yaml: sweep\.widths\)"),
        ("interpretability.l1.reads", "sae/none", r"no row sae\.none"),
        (
            "interpretability.neurons.reads",
            "transformer/shuffled",
            r"neurons reads transformer/shuffled, which is not of activations\.main",
        ),
        (
            "interpretability.l1.activations",
            "shuffled",
            r"l1 reads sae/l1, which is not of activations\.shuffled",
        ),
        (
            "sae.l1.training.n_steps",
            3000,
            r"sae\.l1\.training: n_steps=3000 .*\.main 2\.05 times; n_epochs=1, needed: 3",
        ),
        (
            "sweep.topk.shared.training.batch_size",
            8192,
            r"sweep\.topk\.shared\.training: .* 1\.09 times; n_epochs=1, needed: 2",
        ),
        ("sae.l1.training.n_epochs", 0, r"n_epochs=0 is below 1"),
        ("text.source", "web", r"text\.source = 'web'.*packages"),
        ("transformer.shuffled.made_from", "tokens", r"what is made from tokens is trained"),
    ],
)
def test_a_mistake_is_named_with_what_is_allowed_and_where(
    path: str, value: Any, message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        rows.check(changed(path, value))


def test_all_mistakes_are_told_at_once() -> None:
    params = changed("sae.batch-topk.k", 5000)
    params.tree["tokens"]["vocab_size"] = 5
    with pytest.raises(ParameterError) as error:
        rows.check(params)
    assert "k=5000" in str(error.value)
    assert "vocab_size=5" in str(error.value)
