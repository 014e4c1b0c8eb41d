"""Results hand out what the stages left behind, by experiment, and say what is missing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests.charts.synthetic import frame
from tests.claims.world import add_toy, orthogonal_pair, polygon, results
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from superposition.artefacts import NotTrained
from superposition.core.params import ParameterError
from superposition.core.store import ArtefactError
from superposition.results import Results


@pytest.fixture
def r(tmp_path: Path) -> Results:
    r = results(tmp_path)
    pair, pentagon = orthogonal_pair(), polygon(5)
    add_toy(r, "five-in-two", {1.0: [pair, pentagon], 0.19: [pentagon, pair]})
    return r


def test_the_runs_of_a_density_come_with_the_lowest_loss_first(tmp_path: Path) -> None:
    r = results(tmp_path)
    add_toy(r, "five-in-two", {0.1: [polygon(5), polygon(4), polygon(3)]})
    table = r.toy("five-in-two").instances.assign(loss=[3.0, 1.0, 2.0])
    r.store.save_table(table, "toy", "five-in-two", "instances.parquet")
    runs = Results(r.params, r.store).toy("five-in-two").at(0.1)
    assert runs.instance.tolist() == [1, 2, 0]
    assert (runs.norm > 0.5).sum(axis=1).tolist() == [4, 3, 5]
    np.testing.assert_allclose(runs.W, torch.stack([polygon(4), polygon(3), polygon(5)]))
    assert runs.by_seed().instance.tolist() == [0, 1, 2]
    assert (runs.by_seed().norm > 0.5).sum(axis=1).tolist() == [5, 4, 3]


def test_a_density_a_little_off_is_taken_and_another_one_is_refused(r: Results) -> None:
    assert r.toy("five-in-two").at(0.2).feature_probability == 0.19
    with pytest.raises(NotTrained, match=r"near 0.5 in the row toy.five-in-two; have: 1, 0.19"):
        r.toy("five-in-two").at(0.5)


def test_the_best_of_every_density_is_the_one_with_the_lowest_loss(r: Results) -> None:
    toy = r.toy("five-in-two")
    assert toy.best["feature_probability"].tolist() == [1.0, 0.19]
    assert toy.best["geometry"].tolist() == ["orthogonal pair", "pentagon"]
    assert set(toy.best_features["instance"]) == set(toy.best["instance"])


def test_the_products_of_the_best_models_are_those_of_their_weights(r: Results) -> None:
    dense = r.toy("five-in-two").gram.query("feature_probability == 1.0")
    found = dense.pivot(index="feature", columns="other", values="product").to_numpy()
    np.testing.assert_allclose(found, np.diag([1.0, 1, 0, 0, 0]), atol=1e-6)


def test_an_artefact_is_read_once(r: Results) -> None:
    assert r.toy("five-in-two").features is r.toy("five-in-two").features


def test_a_row_that_params_do_not_have_is_told_which_exist(r: Results) -> None:
    with pytest.raises(ParameterError, match=r"no row toy.ten-in-two in test; have: five-in-two"):
        r.toy("ten-in-two")
    with pytest.raises(ParameterError, match=r"no row sae.topk in test; have: l1"):
        r.evaluation("topk")


def test_a_missing_artefact_names_its_path_and_stage(r: Results) -> None:
    with pytest.raises(ArtefactError, match=r"no .*laptop/sae/l1/history.csv.* repro sae"):
        _ = r.sae("l1").history


def test_a_misspelt_metric_is_told_which_exist(r: Results) -> None:
    r.store.save_json({"l0": 3.0, "mse": 1.0}, "evaluation", "l1", "metrics.json")
    metrics = r.evaluation("l1").metrics
    assert metrics.l0 == 3.0
    with pytest.raises(AttributeError, match=r"no metric 'lO' in evaluation/l1/\S+; have: l0, mse"):
        _ = metrics.lO


def test_tables_of_all_rows_come_with_the_row_in_front(r: Results) -> None:
    found = r.across("toy_sae", lambda row: pd.DataFrame({"length": [len(row)]}))
    assert found.columns.tolist() == ["row", "length"]
    assert found["row"].tolist() == r.rows("toy_sae")


def test_a_scale_without_rows_in_a_section_says_so(r: Results) -> None:
    with pytest.raises(ValueError, match="no rows in section 'transformer' at scale laptop"):
        r.across("transformer", lambda row: pd.DataFrame())


def test_directions_are_unit_vectors_of_features_and_latents(r: Results) -> None:
    add_toy(r, "sae-target", {0.01: [2 * polygon(5)] * 2})
    decoder = torch.tensor([[[3.0, 4.0], [0.0, 0.0]]]).repeat(2, 1, 1)
    r.store.save_tensors({"W_dec": decoder}, "toy_sae", "no-resampling", "weights.safetensors")
    found = r.directions("no-resampling")
    assert found.groupby("kind").size().to_dict() == {"feature": 10, "latent": 4}
    latents = found.query("kind == 'latent' and instance == 0")[["x", "y"]].to_numpy()
    np.testing.assert_allclose(latents, [[0.6, 0.8], [0.0, 0.0]], atol=1e-6)
    features = found.query("kind == 'feature'")[["x", "y"]].to_numpy()
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-6)


def test_logit_effects_come_with_the_text_of_their_tokens(r: Results) -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={byte: i for i, byte in enumerate(alphabet)}, merges=[]))
    tokenizer.decoder = decoders.ByteLevel()
    r.store.save_text(tokenizer.to_str(), "tokens", "tokenizer.json")
    ids = [tokenizer.token_to_id(byte) for byte in ("a", "Ġ")]
    table = frame("features/logits.parquet", 2, token=ids)
    r.store.save_table(table, "features", "l1", "logits.parquet")
    assert r.logits("l1")["text"].tolist() == ["a", " "]


def test_the_baselines_are_a_table_from_short_to_long_contexts(r: Results) -> None:
    losses = {"unigram": 6.0, "bigram": 4.0, "trigram": 3.0, "five_gram": 2.5, "n_tokens": 9}
    r.store.save_json(losses, "ngrams", "metrics.json")
    assert r.baselines()["loss"].tolist() == [6.0, 4.0, 3.0, 2.5]


def test_results_read_the_scale_of_the_parameters(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("scale: laptop\nsae: {l1: {}}\n", encoding="utf-8")
    r = Results.read(root=tmp_path)
    assert r.store.path("text") == tmp_path / "data" / "laptop" / "text"
    assert r.rows("evaluation") == ["l1"]
