"""A run may start from the transformer of a reference run, if that is whole and of its text."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from pipeline import transformer

from superposition.core.params import Params
from superposition.core.stage import Stage
from superposition.core.store import Store
from superposition.reference import making

TRAINING = {"n_tokens": 256, "batch_size": 2, "lr": 0.01, "lr_warm_up": 0.1, "lr_final": 0.1}
TRAINING |= {"adam_beta_2": 0.99, "weight_decay": 0.0, "grad_clip": 1.0, "log_every": 4}
TRAINING |= {"evaluate_every": 8, "evaluate_tokens": 40}
ROW = {"d_model": 8, "d_mlp": 12, "n_heads": 2, "d_head": 4, "n_ctx": 8, "seed": 0}
ROW |= {"held_out_tokens": 60, "made_from": "tokens", "training": TRAINING}
FROM = "../reference/laptop/transformer/main"
D_VOCAB = 10


def text(n: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(D_VOCAB, (n,), generator=generator, dtype=torch.int32)


def stage(root: Path, **changes: Any) -> Stage:
    """The stage on the row `main`, changed as given."""
    tree = {"scale": "laptop", "device": "cpu", "transformer": {"main": ROW | changes}}
    params = Params(tree=tree, origin="params.yaml")
    return Stage(name="transformer", row="main", params=params, store=Store("laptop", root))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with a trained transformer, and with the reference run made of it."""
    (tmp_path / "params.yaml").write_text("scale: laptop\ntransformer: {main: {seed: 0}}\n")
    store = Store("laptop", tmp_path)
    store.save_tensors({"tokens": text(400, 1)}, "tokens", "held_out.safetensors")
    store.save_tensors({"tokens": text(400, 2)}, "tokens", "train.safetensors")
    store.save_text('{"a": 1}', "tokens", "tokenizer.json")
    store.save_json({"vocab_size": D_VOCAB}, "tokens", "metrics.json")
    store.save_json([], "claims.json")
    transformer.main(stage(tmp_path))
    for title in ("tokens", "transformer@main", "claims"):
        store.save_json({"seconds": 1.0, "peak_bytes": 1}, "costs", f"{title}.json")
    making.make(tmp_path, "laptop")
    return tmp_path


def test_the_published_weights_are_taken_with_their_history_and_a_loss_of_their_own(
    root: Path,
) -> None:
    store, place = Store("laptop", root), ("transformer", "main")
    trained = store.load_tensors(*place, "transformer.safetensors")
    history, before = (
        store.load_table(*place, "history.csv"),
        store.load_json(*place, "metrics.json"),
    )
    for name in ("transformer.safetensors", "history.csv", "metrics.json"):
        store.path(*place, name).unlink()
    transformer.main(stage(root, made_from=FROM))
    for name, tensor in store.load_tensors(*place, "transformer.safetensors").items():
        assert torch.equal(tensor, trained[name].bfloat16().float()), name
    pd.testing.assert_frame_equal(store.load_table(*place, "history.csv"), history)
    found = store.load_json(*place, "metrics.json")
    assert {name for name in found if found[name] != before[name]} <= {
        "held_out_loss",
        "held_out_standard_error",
    }
    assert found["held_out_loss"] == pytest.approx(before["held_out_loss"], abs=0.01)
    assert store.load_json(*place, "transformer.json")["made_from"] == FROM


def _other_tokenizer(root: Path) -> None:
    Store("laptop", root).save_text('{"b": 1}', "tokens", "tokenizer.json")


def _altered_tokenizer(root: Path) -> None:
    Store("reference/laptop", root).save_text('{"b": 1}', "tokens", "tokenizer.json")


def _missing_tokenizer(root: Path) -> None:
    Store("reference/laptop", root).path("tokens", "tokenizer.json").unlink()


def _altered_weights(root: Path) -> None:
    path = Store("reference/laptop", root).path("transformer", "main", "transformer.safetensors")
    path.write_bytes(path.read_bytes()[:-1] + b"\x00\x00")


def _no_run(root: Path) -> None:
    shutil.rmtree(root / "data" / "reference")


def _no_checksums(root: Path) -> None:
    Store("reference/laptop", root).path("SHA256SUMS").unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            _other_tokenizer,
            r"reads other tokens than those of .*data/laptop/tokens.*made_from: tok",
        ),
        (
            _altered_tokenizer,
            r"tokens/tokenizer\.json is altered: bring back data/reference/laptop",
        ),
        (_missing_tokenizer, r"tokens/tokenizer\.json is missing: bring back"),
        (_altered_weights, r"main/transformer\.safetensors is altered: bring back"),
        (_no_checksums, r"SHA256SUMS is no list of checksums"),
        (_no_run, r"tokens/tokenizer\.json is missing; .*transformer\.safetensors is missing"),
    ],
)
def test_a_published_transformer_that_is_not_whole_or_of_another_text_is_refused(
    root: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(root)
    with pytest.raises(ValueError, match=message):
        transformer.main(stage(root, made_from=FROM))


def test_a_row_that_is_not_the_published_one_is_refused(root: Path) -> None:
    with pytest.raises(
        ValueError, match=r"seed=1 differs from 0, with which \.\./reference/laptop"
    ):
        transformer.main(stage(root, made_from=FROM, seed=1))
    with pytest.raises(ValueError, match=r"training=.*lr=0\.02.* differs from .*lr=0\.01"):
        transformer.main(stage(root, made_from=FROM, training=TRAINING | {"lr": 0.02}))
    with pytest.raises(ValueError, match=r"transformer/other/transformer\.safetensors is missing"):
        transformer.main(stage(root, made_from="../reference/laptop/transformer/other"))
