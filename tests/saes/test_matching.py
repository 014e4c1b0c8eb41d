"""Which latents are features, checked on autoencoders whose weights are set by hand."""

import itertools

import pytest
import torch
from tests.saes.rows import row
from torch import Tensor

from superposition.core import store
from superposition.saes import base, matching
from superposition.saes.matching import Judgement, judge
from superposition.saes.toy_world import DataConfig, ToyWorld, world

N, P = 4, 0.1


def made(W: Tensor | None = None) -> ToyWorld:
    return world(torch.eye(N)[None] if W is None else W, P, DataConfig())


def judged(decoder: Tensor, *, of: ToyWorld | None = None, bias: Tensor | None = None) -> Judgement:
    """An autoencoder with these decoder rows, its encoder the same, on orthogonal features."""
    sae = base.build(row("l1", d_sae=len(decoder)), d_in=decoder.shape[1], n_instances=1)
    with torch.no_grad():
        sae.W_dec.copy_(decoder[None])
        sae.normalise_decoder_()
        sae.W_enc.copy_(sae.W_dec.mT)
        if bias is not None:
            sae.b_enc.copy_(bias[None])
    of = of or made()
    return judge(sae, of, of.judged())


def kinds(found: Judgement) -> list[str]:
    return found.latents["kind"].tolist()


def test_the_tables_have_the_columns_of_the_schema() -> None:
    found = judged(torch.eye(N))
    for name, table in found._asdict().items():
        columns = ["variant", *table.columns]
        assert columns == list(store.schema()[f"toy_comparison/{name}.parquet"])


def test_the_true_directions_in_any_order_are_recovered_in_full() -> None:
    found = judged(torch.eye(N)[[2, 0, 3, 1]])
    assert found.features["latent"].tolist() == [1, 3, 0, 2]
    one = found.instances.iloc[0]
    assert kinds(found) == ["feature"] * N
    for name in ("matched_cosine", "precision", "recall", "activation_precision"):
        assert one[name] == pytest.approx(1)
    assert one["activation_recall"] == pytest.approx(1)
    assert one["correlation"] == pytest.approx(1)
    assert one["l0"] == pytest.approx(one["true_l0"], rel=0.05)
    assert one["mse"] == pytest.approx(0, abs=1e-10)
    assert one["explained_variance"] == pytest.approx(1)


def test_each_kind_of_latent_is_told_from_the_others() -> None:
    eye = torch.eye(N)
    rows = [eye[0], eye[0] + 0.1 * eye[1], eye[1] + eye[2], torch.ones(N), eye[3]]
    found = judged(torch.stack(rows), bias=torch.tensor([0.0, 0.0, 0.0, 0.0, -9.0]))
    assert kinds(found) == ["feature", "duplicate", "mixed", "other", "dead"]
    one = found.instances.iloc[0]
    assert one[["duplicate", "mixed", "other", "dead"]].tolist() == [1, 1, 1, 1]
    assert (one["recovered"], one["precision"], one["recall"]) == (1, 0.25, 0.25)


def test_the_match_is_the_best_of_all_one_to_one_assignments() -> None:
    cosines = torch.rand(1, N, N, generator=torch.Generator().manual_seed(0))
    whole = torch.ones(1, N, dtype=torch.bool)
    match = matching.matched(cosines, whole, whole)[0]
    best = max(
        sum(float(cosines[0, i, j]) for i, j in enumerate(order))
        for order in itertools.permutations(range(N))
    )
    assert float(cosines[0, torch.arange(N), match].sum()) == pytest.approx(best)


def test_neither_dead_latents_nor_features_left_out_are_matched() -> None:
    alive = torch.tensor([[True, True, False, True]])
    represented = torch.tensor([[True, False, True, True]])
    match = matching.matched(torch.eye(N)[None], represented, alive)[0]
    assert match[[0, 3]].tolist() == [0, 3]
    assert match[1] == matching.UNMATCHED
    assert match[2] in (1, matching.UNMATCHED)


def test_a_feature_without_a_latent_counts_as_zero() -> None:
    found = judged(torch.eye(N)[:3])
    missing = found.features.loc[found.features["latent"] == matching.UNMATCHED]
    assert missing["feature"].tolist() == [3]
    assert missing[["cosine", "precision", "recall", "correlation"]].to_numpy().sum() == 0
    assert found.instances["matched_cosine"].tolist() == pytest.approx([0.75])


def test_precision_and_recall_by_input_are_counted_on_inputs() -> None:
    """A latent on the sum of features 0 and 1 is active when either occurs."""
    eye = torch.eye(N)
    found = judged(torch.stack([eye[0] + eye[1], eye[2], eye[3]]))
    first = found.features.loc[found.features["latent"] == 0].iloc[0]
    assert first["recall"] == pytest.approx(1)
    assert first["precision"] == pytest.approx(P / (1 - (1 - P) ** 2), rel=0.05)
    assert first["cosine"] == pytest.approx(0.5**0.5)


def test_directions_do_not_depend_on_the_basis() -> None:
    turn = torch.linalg.qr(torch.randn(N, N, generator=torch.Generator().manual_seed(1))).Q
    decoder = torch.eye(N) + 0.2 * torch.rand(N, N, generator=torch.Generator().manual_seed(2))
    plain = judged(decoder).features
    turned = judged(decoder @ turn, of=made(turn[None])).features
    assert turned["latent"].tolist() == plain["latent"].tolist()
    assert turned["cosine"].tolist() == pytest.approx(plain["cosine"].tolist(), abs=1e-5)


def test_the_best_pair_is_the_projection_on_its_plane_if_both_weights_are_positive() -> None:
    W = torch.nn.functional.normalize(torch.randn(3, 5, generator=torch.Generator().manual_seed(0)))
    inside, outside = W[0] + 2 * W[1], W[0] - 2 * W[1]
    latents = torch.nn.functional.normalize(torch.stack([inside, outside]))
    found = matching._best_pair(W @ latents.mT, W)
    assert found[0].item() == pytest.approx(1, abs=1e-5)
    assert found[1].item() < 0.9


def test_the_nearest_neighbour_is_the_nearest_living_latent() -> None:
    eye = torch.eye(N)
    decoder = torch.stack([eye[0], eye[0] + 0.5 * eye[1], eye[0] + 0.1 * eye[1]])
    found = judged(decoder, bias=torch.tensor([0.0, 0.0, -9.0])).latents
    assert found["neighbour"].tolist()[0] == 1
    for name in ("neighbour_cosine", "neighbour_encoder_cosine"):
        assert found[name].tolist()[0] == pytest.approx(1 / 1.25**0.5)
