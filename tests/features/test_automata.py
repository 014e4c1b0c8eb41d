"""Transitions of texts made by hand, machines with known states, and samples that loop."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

from superposition.core.store import schema
from superposition.features import automata, pinned
from superposition.features.automata import AutomataConfig
from superposition.features.encoded import Text
from superposition.features.membership import Contexts
from superposition.features.pinned import SamplingConfig
from superposition.features.streaming import sample_windows
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes import l1

SAMPLING = SamplingConfig(n_prompts=3, prompt_tokens=2, pinned_tokens=2, released_tokens=3, seed=0)
CONFIG = AutomataConfig(
    sae="one",
    activations="main",
    n_tokens=240,
    batch_size=4,
    n_top=5,
    min_predicted=2,
    seed=0,
    sampling=SAMPLING,
)


def one_latent_per_token(token: np.ndarray, n: int) -> sparse.csr_matrix:
    """Latent i is active on token i alone."""
    parts = (np.ones(len(token), dtype=np.float32), token, np.arange(len(token) + 1))
    return sparse.csr_matrix(parts, shape=(len(token), n))


def text(tokens: list[int]) -> Text:
    token = np.array(tokens[:-1])
    return Text(token, np.array(tokens[1:]), np.arange(len(token)))


def test_transitions_follow_predicted_tokens_only_and_stay_within_windows() -> None:
    read = text([0, 1, 0, 1, 0, 2, 1, 0, 0])
    acts = one_latent_per_token(read.token, 3)
    predicted = sparse.csr_matrix(np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=np.float32))
    T, n = automata.transitions(acts, predicted, read, n_ctx=4)
    assert n.tolist() == [2, 2, 0]  # the step from position 3 to 4 leaves its window
    np.testing.assert_allclose(T, [[0, 1, 0], [1, 0, 0], [0, 0, 0]])


def test_two_latents_that_excite_each_other_are_a_cycle_above_chance() -> None:
    rng = np.random.default_rng(0)
    T = rng.random((60, 60)) * 0.05
    T[3, 8], T[8, 3], T[5, 5] = 0.9, 0.8, 0.7
    found = automata.state_table(T, np.full(60, 9), np.array([3, 20]), least=5, seed=0)
    row = found.set_index("latent").loc[3]
    assert row["partner"] == 8
    assert row["cycle_weight"] == pytest.approx(0.8)
    assert row["cycle_rank"] > 0.95
    assert found["cycle_rank"].notna().sum() == 2
    assert found.set_index("latent").loc[5, "self_rank"] == 1.0


def test_latents_that_predict_too_seldom_are_not_judged() -> None:
    found = automata.state_table(np.eye(3), np.array([9, 1, 9]), np.array([0]), least=5, seed=0)
    assert found["latent"].tolist() == [0, 2]
    empty = automata.state_table(np.eye(3), np.zeros(3, dtype=int), np.array([0]), least=5, seed=0)
    assert empty.empty


def test_the_predicted_tokens_are_those_with_the_largest_effects() -> None:
    effects = torch.tensor([[0.1, 3.0, -1.0, 2.0]])
    assert automata.predicted_tokens(effects, n_top=2).indices.tolist() == [1, 3]
    with pytest.raises(ValueError, match="n_top=5"):
        automata.predicted_tokens(effects, n_top=5)


def read(model: OneLayerTransformer, sae: l1.SAE, stream: TokenStream) -> automata.Automata:
    labels = sparse.csr_matrix((stream.tokens > 20).numpy()[:, None].astype(np.float32))
    return automata.read_automata(
        model,
        sae,
        stream,
        Contexts(labels, ["high"]),
        planted=["high"],
        config=CONFIG,
        dtype=torch.float32,
    )


def test_the_tables_have_the_columns_of_the_schema(
    model: OneLayerTransformer, sae: l1.SAE, stream: TokenStream
) -> None:
    found = read(model, sae, stream)
    for name, table in found._asdict().items():
        assert list(table.columns) == list(schema()[f"automata/{name}.parquet"])
    assert found.samples["arm"].tolist() == ["pinned"] * 3 + ["free"] * 3
    assert automata.summary(found)["states"] == len(found.states)


def test_samples_begin_with_prompts_from_outside_the_context(
    model: OneLayerTransformer, sae: l1.SAE, stream: TokenStream
) -> None:
    for tokens in read(model, sae, stream).samples["tokens"]:
        assert len(tokens) == 2 + 2 + 3
        assert max(tokens[:2]) <= 20


def test_pinning_sets_the_latents_part_of_the_last_token_and_nothing_else(
    model: OneLayerTransformer, sae: l1.SAE, stream: TokenStream
) -> None:
    windows = sample_windows(stream, n_ctx=8, n_tokens=24, seed=0)
    with torch.no_grad():
        acts = model.mlp_acts(windows.tokens[:, :-1])
        changed = pinned.pin(sae, acts, 2, 5.0)
        encoded = sae.encode(changed)
    torch.testing.assert_close(changed[:, :-1], acts[:, :-1])
    torch.testing.assert_close(encoded[:, -1, 2], torch.full((3,), 5.0))
    others = [i for i in range(12) if i != 2]
    torch.testing.assert_close(changed[:, -1, others], acts[:, -1, others])


def test_without_pinning_both_arms_are_the_same_text(
    model: OneLayerTransformer, sae: l1.SAE, stream: TokenStream
) -> None:
    windows = sample_windows(stream, n_ctx=8, n_tokens=24, seed=0)
    prompts = windows.tokens[:, :2]
    found = pinned.sample_pinned(model, sae, prompts, {"a": 2}, np.zeros(24), config=SAMPLING)
    arms = [found[found["arm"] == arm]["tokens"].tolist() for arm in ("pinned", "free")]
    assert all((one == two).all() for one, two in zip(*arms, strict=True))


def test_settings_that_do_not_fit_are_refused(stream: TokenStream) -> None:
    windows = sample_windows(stream, n_ctx=8, n_tokens=24, seed=0)
    labels = sparse.csr_matrix((24, 1), dtype=np.float32)
    with pytest.raises(ValueError, match="are 9 tokens; n_ctx=8"):
        pinned.prompts(windows, labels, replace(SAMPLING, released_tokens=5))
    with pytest.raises(ValueError, match="n_prompts=0"):
        replace(SAMPLING, n_prompts=0)
    with pytest.raises(ValueError, match="n_top=0"):
        replace(CONFIG, n_top=0)
