"""Splits that were made by hand are found; chance and silence make none."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from superposition.core.store import schema
from superposition.features import directions, lineage, membership, splitting
from superposition.features.lineage import Member
from superposition.features.membership import Contexts
from superposition.features.splitting import SplittingConfig, Vocabulary
from superposition.language.concepts.labels import Labels
from superposition.language.tokens import TokensConfig, TokenStream, train_tokenizer
from superposition.language.transformer import OneLayerTransformer
from superposition.saes import l1
from superposition.saes.base import build

CONFIG = SplittingConfig(
    sweep="widths",
    activations="main",
    level=30.0,
    n_tokens=240,
    batch_size=4,
    min_active=3,
    seed=0,
)


def matrix(*columns: list[float]) -> sparse.csr_matrix:
    return sparse.csr_matrix(np.array(columns, dtype=np.float32).T)


def naive(f: np.ndarray, g: np.ndarray) -> float:
    """Both masked cosines, token by token."""
    cosines = []
    for mask in (f > 0, g > 0):
        norms = np.linalg.norm(f[mask]) * np.linalg.norm(g[mask])
        cosines.append(float(f[mask] @ g[mask] / norms) if norms > 0 else 0.0)
    return max(cosines)


def test_similarity_is_the_larger_masked_cosine() -> None:
    rng = np.random.default_rng(0)
    f, g = (rng.random((60, d)) * (rng.random((60, d)) < 0.3) for d in (4, 5))
    found = lineage.similarity(sparse.csr_matrix(f), sparse.csr_matrix(g))
    expected = [[naive(f[:, i], g[:, j]) for j in range(5)] for i in range(4)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_part_of_a_latent_has_similarity_one_with_it_whatever_its_share() -> None:
    whole, part, apart = [1.0, 2, 3, 4, 0], [0.0, 0, 0, 2, 0], [0.0, 0, 0, 0, 9]
    found = lineage.similarity(matrix(whole), matrix(part, apart))
    np.testing.assert_allclose(found, [[1, 0]], atol=1e-6)


def family(sae: l1.SAE) -> list[Member]:
    """A narrow dictionary that sums two latents of the wide one, and the wide one."""
    narrow = build(replace(sae.config, d_sae=12), d_in=sae.d_in)
    narrow.load_state_dict(
        {name: each[..., :12] for name, each in sae.state_dict().items()}
        | {
            "W_dec": sae.W_dec.detach()[:12],
            "b_dec": sae.b_dec.detach(),
        }
    )
    return [Member(12, 0, narrow), Member(24, 0, sae), Member(24, 1, sae)]


def vocabulary() -> Vocabulary:
    return Vocabulary(size=30, digits=np.array([3, 4]), is_word=np.arange(30) > 20)


def split(model: OneLayerTransformer, sae: l1.SAE, stream: TokenStream) -> splitting.Splitting:
    labels = sparse.csr_matrix((stream.tokens % 3 != 0).numpy()[:, None].astype(np.float32))
    return splitting.split(
        model,
        family(sae),
        stream,
        Contexts(labels, ["mostly"]),
        vocabulary(),
        config=CONFIG,
        dtype=torch.float32,
    )


def test_latents_that_stay_are_their_own_parents(
    model: OneLayerTransformer, sae: l1.SAE, stream: TokenStream
) -> None:
    found = split(model, sae, stream)
    same = found.edges[found.edges["coarse"] == found.edges["fine"]]
    judged = found.latents.query("d_sae == 12")["latent"]
    assert set(same["coarse"]) == set(judged)
    np.testing.assert_allclose(same["similarity"], 1, atol=1e-5)
    (counts,) = found.relatives.to_dict("records")
    assert counts["n_coarse"] == len(judged)
    assert counts["with_child"] == len(judged)


def test_every_seed_is_counted_and_edges_are_of_the_first_alone(
    model: OneLayerTransformer, sae: l1.SAE, stream: TokenStream
) -> None:
    found = split(model, sae, stream)
    assert len(found.contexts) == 3
    wide = found.contexts[found.contexts["d_sae"] == 24]
    assert wide["n_latents"].nunique() == 1
    assert len(found.relatives) == 1


def test_digit_effects_are_known_for_latents_of_a_context_only(
    model: OneLayerTransformer, sae: l1.SAE, stream: TokenStream
) -> None:
    latents = split(model, sae, stream).latents
    inside = latents["context"] != ""
    assert inside.any()
    assert (latents["digit_effect"].notna() == inside).all()


def test_the_tables_have_the_columns_of_the_schema(
    model: OneLayerTransformer, sae: l1.SAE, stream: TokenStream
) -> None:
    found = split(model, sae, stream)
    for name, table in found._asdict().items():
        assert list(table.columns) == list(schema()[f"splitting/{name}.parquet"])
    assert splitting.summary(found)["edges"] == len(found.edges)


def test_latents_of_a_context_that_point_together_are_a_cluster() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 16))
    rows[:6] = rows[0] + 0.3 * rng.normal(size=(6, 16))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    belongs = np.zeros((3, 40), dtype=bool)
    belongs[0, :6], belongs[1, 6:30], belongs[2, 39] = True, True, True
    found = directions.clusters(rows, belongs, ["tight", "loose", "alone"], seed=0)
    assert found["context"].tolist() == ["tight", "loose"]
    tight, loose = found.to_dict("records")
    assert tight["within"] > 0.7 > 0.1 > tight["across"]
    assert tight["p_value"] < 0.01 < loose["p_value"]


def test_a_latent_belongs_where_most_of_its_activity_is_and_rare_ones_nowhere() -> None:
    acts = matrix([1, 1, 1, 0, 1], [0, 0, 1, 1, 1], [1, 0, 0, 0, 0])
    labels = matrix([1, 1, 0, 0, 1])
    found = membership.members(acts, labels, ["here"], min_active=2)
    assert found.belongs.tolist() == [[True, False, False]]
    assert found.context.tolist() == ["here", "", ""]
    assert found.precision.tolist() == pytest.approx([0.75, 0, 0])


def test_a_sweep_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="min_active=0"):
        replace(CONFIG, min_active=0)


def test_contexts_are_the_judged_ones_that_no_token_gives_away_and_the_planted_ones() -> None:
    labels = Labels(torch.tensor([0, 1, 3]), torch.tensor([3, 0, 2], dtype=torch.int16), 4)
    catalogue = pd.DataFrame(
        {
            "concept": range(4),
            "name": ["docstring", "comma", "rare", "planted DNA"],
            "kind": ["context", "token", "context", "context"],
            "judged": [True, True, False, False],
        }
    )
    found = membership.contexts_of(labels, catalogue)
    assert found.names == ["docstring", "planted DNA"]
    assert found.at(np.array([0, 1])).toarray().tolist() == [[0, 1], [1, 0]]


def test_the_commonest_word_is_the_commonest_among_words() -> None:
    token = np.array([3, 3, 3, 25, 25, 22])
    assert splitting.commonest_word(token, vocabulary()) == 25


def test_digits_and_words_of_a_tokenizer() -> None:
    config = TokensConfig(vocab_size=300, sample_bytes=1_000, seed=0)
    tokenizer = train_tokenizer(["the 12 the 3 the the"], config)
    known = splitting.vocabulary(tokenizer)
    assert len(known.digits) == 10
    words = [tokenizer.id_to_token(i) for i in np.flatnonzero(known.is_word).tolist()]
    assert "the" in words
    assert not known.is_word[known.digits].any()
