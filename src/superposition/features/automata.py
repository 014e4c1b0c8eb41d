"""Latents as states of a machine: a latent predicts tokens, and those tokens activate latents.

A latent that raises the logits of the tokens that activate it again keeps itself going, as one for
base64 should. Two that excite each other in turn are a cycle of two states.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from scipy import sparse

from superposition.features import encoded, membership, moments
from superposition.features.encoded import Text
from superposition.features.logit_effects import logit_effects, model_readout
from superposition.features.membership import Contexts
from superposition.features.pinned import SamplingConfig, prompts, sample_pinned
from superposition.features.streaming import sample_windows
from superposition.language.concepts.labels import halves
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE

N_SUCCESSORS = 4
"""Strongest transitions that are kept of each latent shown."""
N_PERMUTATIONS = 100
"""Of the null for cycles."""


@dataclass(frozen=True, kw_only=True)
class AutomataConfig:
    """Which latents to read as states, and how."""

    sae: str
    """The row of `sae`."""
    activations: str
    """The row of `activations` that it learned."""
    n_tokens: int
    """Held-out tokens, rounded down to whole windows."""
    batch_size: int
    """Windows at a time. Only memory depends on it."""
    n_top: int
    """Tokens that a latent predicts: those it raises most."""
    min_predicted: int
    """Tokens on which a latent must be active with a predicted token following, to be judged."""
    seed: int
    """Draws the windows."""
    sampling: SamplingConfig
    """How text is sampled with a latent pinned."""

    def __post_init__(self) -> None:
        for name in ("n_tokens", "batch_size", "n_top", "min_predicted"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")


class Automata(NamedTuple):
    """Tables automata/<name>.parquet."""

    states: pd.DataFrame
    """One row per latent that is judged: its transition to itself, its best cycle of two."""
    transitions: pd.DataFrame
    """The strongest transitions of the latents of some context."""
    contexts: pd.DataFrame
    """One row per context: the latent that detects it best."""
    samples: pd.DataFrame
    """Text sampled with such a latent pinned, and without."""


def read_automata(
    model: OneLayerTransformer,
    sae: SAE,
    stream: TokenStream,
    contexts: Contexts,
    *,
    planted: Sequence[str],
    config: AutomataConfig,
    dtype: torch.dtype,
) -> Automata:
    """The latents of `sae` as states, on windows of the held-out stream.

    Text is sampled with the best latents of the contexts that are `planted`.
    """
    n_ctx, size = model.config.n_ctx, config.batch_size
    windows = sample_windows(stream, n_ctx=n_ctx, n_tokens=config.n_tokens, seed=config.seed)
    text = encoded.text_of(windows)
    labels, names = contexts.at(text.position), contexts.names
    (acts,) = encoded.encode(
        model, [sae], windows, batch_size=size, dtype=dtype, description="states"
    )
    R = model_readout(model, encoded.some_windows(windows), batch_size=size)
    predicted = predicted_tokens(logit_effects(sae.W_dec, R), n_top=config.n_top)
    T, n_predicted = transitions(acts, predicted, text, n_ctx=n_ctx)
    best = best_latents(acts, labels, names, late=~halves(stream).numpy()[text.position])
    belonging = membership.members(acts, labels, names, min_active=config.min_predicted)
    inside = np.flatnonzero(belonging.belongs.any(axis=0))
    states = state_table(T, n_predicted, inside, least=config.min_predicted, seed=config.seed)
    chosen = best.loc[best["context"].isin(planted) & (best["f1"] > 0)]
    samples = sample_pinned(
        model,
        sae,
        prompts(windows, labels[:, [names.index(each) for each in planted]], config.sampling),
        dict(zip(chosen["context"], chosen["latent"].astype(int), strict=True)),
        np.asarray(acts.max(axis=0).todense()).ravel(),
        config=config.sampling,
    )
    return Automata(
        states=states.assign(context=belonging.context[states["latent"]]),
        transitions=strongest_transitions(T, inside, n_predicted),
        contexts=best,
        samples=samples,
    )


def predicted_tokens(
    effects: Float[torch.Tensor, "latent d_vocab"], *, n_top: int
) -> sparse.csr_matrix:
    """Which tokens each latent predicts, latents by tokens: the `n_top` it raises most."""
    n_latents, d_vocab = effects.shape
    if n_top > d_vocab:
        raise ValueError(f"n_top={n_top} exceeds d_vocab={d_vocab}")
    top = effects.topk(n_top, dim=1).indices.sort(dim=1).values.cpu().numpy()
    values, ends = np.ones(top.size, dtype=np.float32), np.arange(0, top.size + 1, n_top)
    return sparse.csr_matrix((values, top.ravel(), ends), shape=(n_latents, d_vocab))


def transitions(
    acts: sparse.csr_matrix, predicted: sparse.csr_matrix, text: Text, *, n_ctx: int
) -> tuple[Float[np.ndarray, "latent latent"], Int[np.ndarray, " latent"]]:
    """T_ij: how often latent j is active on the next token, given that i predicted that token.

    Over tokens on which i is active and which one of i's predicted tokens follows within the
    window; also the number of these tokens, below which T is 0 / 1 = 0. From 0 to 1.
    Source: Towards Monosemanticity, finite state automata. Differs: the paper reads the graph off
    by eye; here the tokens are those that really follow, so that j sees its own context.
    """
    follows = np.arange(acts.shape[0]) % n_ctx != n_ctx - 1
    here = np.flatnonzero(follows)
    row = np.repeat(np.arange(acts.shape[0]), np.diff(acts.indptr))
    is_predicted = np.asarray(predicted[acts.indices, text.next_token[row]]).ravel() > 0
    hits = sparse.csr_matrix(
        (is_predicted.astype(np.float32), acts.indices, acts.indptr), shape=acts.shape
    )
    before, after = hits[here], moments.ones(acts)[here + 1]
    n_predicted = moments.total(before).astype(np.int64)
    before.eliminate_zeros()
    together = np.zeros((acts.shape[1], acts.shape[1]))
    for start in range(0, before.shape[0], moments.ROWS):
        stretch = slice(start, start + moments.ROWS)
        together += moments.product(before[stretch], after[stretch])
    return together / np.maximum(n_predicted, 1)[:, None], n_predicted


def state_table(
    T: Float[np.ndarray, "latent latent"],
    n_predicted: Int[np.ndarray, " latent"],
    ranked: Int[np.ndarray, " ranked"],
    *,
    least: int,
    seed: int,
) -> pd.DataFrame:
    """For every judged latent its transition to itself and its best cycle of two, with ranks.

    The cycle of i and j weighs min(T_ij, T_ji). A rank is the share of a null that is smaller, from
    0 to 1; the null permutes the latents as targets. For the transition to itself that leaves those
    to the other judged latents. Ranks of cycles are for the `ranked` latents alone, NaN elsewhere.
    Frame: automata/states.parquet, but for the context.
    """
    judged = np.flatnonzero(n_predicted >= least)
    among = T[np.ix_(judged, judged)]
    itself = among.diagonal().copy()
    both = np.minimum(among, among.T)
    np.fill_diagonal(both, -1.0)
    partner = both.argmax(axis=1) if len(judged) else np.zeros(0, dtype=np.int64)
    cycle = both[np.arange(len(judged)), partner].clip(min=0)
    columns = {
        "latent": judged,
        "n_predicted": n_predicted[judged],
        "self_weight": itself,
        "self_rank": (among < itself[:, None]).sum(axis=1) / max(len(judged) - 1, 1),
        "partner": judged[partner],
        "cycle_weight": cycle,
        "cycle_rank": _cycle_ranks(among, cycle, np.isin(judged, ranked), seed=seed),
    }
    return pd.DataFrame(columns)


def _cycle_ranks(
    among: np.ndarray, cycle: np.ndarray, ranked: np.ndarray, *, seed: int
) -> np.ndarray:
    """The share of permutations of the targets in which the best cycle through a latent is less."""
    rng, n = np.random.default_rng(seed), len(among)
    orders = rng.permuted(np.tile(np.arange(n), (N_PERMUTATIONS, 1)), axis=1)
    back = np.ascontiguousarray(among.T)
    ranks = np.full(n, np.nan)
    for i in np.flatnonzero(ranked):
        there_and_back = np.minimum(among[i][orders], back[orders[:, i]])
        there_and_back[:, i] = 0.0
        ranks[i] = (there_and_back.max(axis=1) < cycle[i]).mean()
    return ranks


def strongest_transitions(
    T: Float[np.ndarray, "latent latent"],
    chosen: Int[np.ndarray, " chosen"],
    n_predicted: Int[np.ndarray, " latent"],
) -> pd.DataFrame:
    """The N_SUCCESSORS strongest transitions of each chosen latent that predicts anything.

    Frame: automata/transitions.parquet.
    """
    sources = chosen[n_predicted[chosen] > 0]
    order = np.argsort(-T[sources], axis=1, kind="stable")[:, :N_SUCCESSORS]
    source = np.repeat(sources, order.shape[1])
    columns = {"source": source, "target": order.ravel(), "weight": T[source, order.ravel()]}
    found = pd.DataFrame(columns)
    return found.loc[found["weight"] > 0].reset_index(drop=True)


def best_latents(
    acts: sparse.csr_matrix, labels: sparse.csr_matrix, names: list[str], *, late: np.ndarray
) -> pd.DataFrame:
    """For each context the latent with the best F1 on the first half; F1 on the second.

    Frame: automata/contexts.parquet.
    """
    chosen = moments.f1_scores(acts[~late], labels[~late]).argmax(axis=1)
    reported = moments.f1_scores(acts[late], labels[late])[np.arange(len(names)), chosen]
    return pd.DataFrame({"context": names, "latent": chosen, "f1": reported})


def summary(found: Automata) -> dict[str, int | float | None]:
    """Counts and medians, for metrics.json."""
    states = found.states
    in_context = states.loc[states["context"] != ""]
    return {
        "states": len(states),
        "states_in_context": len(in_context),
        "median_self_weight": float(states["self_weight"].median()) if len(states) else None,
        "self_rank_above_95": int((states["self_rank"] > 0.95).sum()),
        "in_context_self_rank_above_95": int((in_context["self_rank"] > 0.95).sum()),
    }
