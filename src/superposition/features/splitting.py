"""How latents split as dictionaries grow: the same text read by autoencoders of several widths."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Int
from scipy import sparse
from tokenizers import Tokenizer

from superposition.features import directions, encoded, membership, moments
from superposition.features.encoded import Text
from superposition.features.lineage import Member, edges_across
from superposition.features.logit_effects import logit_effects, model_readout
from superposition.features.membership import Contexts, Membership
from superposition.features.streaming import sample_windows
from superposition.language.tokens import TokenStream, token_bytes
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE
from superposition.saes.sweep import Point

DIGITS = "0123456789"
N_DIGITS_TOP = 50
"""Tokens of a context whose logits digits are compared with: its most frequent ones."""


@dataclass(frozen=True, kw_only=True)
class SplittingConfig:
    """Which autoencoders to compare across widths, and on how much text."""

    sweep: str
    """The row of `sweep` with their weights."""
    activations: str
    """The row of `activations` that they learned."""
    level: float
    """Those trained at this sparsity: the sweep's level."""
    n_tokens: int
    """Held-out tokens, rounded down to whole windows."""
    batch_size: int
    """Windows at a time. Only memory depends on it."""
    min_active: int
    """Tokens on which a latent must be active to be judged."""
    seed: int
    """Draws the windows and the permutations."""

    def __post_init__(self) -> None:
        for name in ("n_tokens", "batch_size", "min_active"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")


def family(points: Sequence[Point], saes: Sequence[SAE], config: SplittingConfig) -> list[Member]:
    """The autoencoders of some points of a sweep, in one family if there are two widths or more."""
    widths = {point.config.d_sae for point in points}
    if len(widths) < 2:
        raise ValueError(
            f"level={config.level} of sweep.{config.sweep} has {len(widths)} widths; needs 2"
        )
    return [
        Member(point.config.d_sae, point.config.seed, sae)
        for point, sae in zip(points, saes, strict=True)
    ]


class Vocabulary(NamedTuple):
    """What splitting asks of tokens."""

    size: int
    """Tokens in the vocabulary."""
    digits: Int[np.ndarray, " digit"]
    """Ids of the tokens that are one digit."""
    is_word: np.ndarray
    """Whether each token is a whole word: a space or nothing, then two letters or more."""


def vocabulary(tokenizer: Tokenizer) -> Vocabulary:
    """The digits and the words among the tokens of `tokenizer`."""
    size = tokenizer.get_vocab_size()
    texts = [token_bytes(tokenizer, token).decode(errors="replace") for token in range(size)]
    is_digit = np.array([len(text) == 1 and text in DIGITS for text in texts])
    words = [text.removeprefix(" ") for text in texts]
    is_word = [len(word) > 1 and word.isalpha() for word in words]
    return Vocabulary(size, np.flatnonzero(is_digit), np.array(is_word))


class Splitting(NamedTuple):
    """Tables splitting/<name>.parquet."""

    latents: pd.DataFrame
    """One row per latent of every autoencoder that is active often enough."""
    contexts: pd.DataFrame
    """How many latents of every autoencoder belong to each context."""
    edges: pd.DataFrame
    """Which latents of one width are similar to which of the next, for the first seed."""
    relatives: pd.DataFrame
    """How many latents have a relative at the next width, and how many would by chance."""
    clusters: pd.DataFrame
    """Whether the latents of a context point in similar directions, in the widest dictionary."""


def split(
    model: OneLayerTransformer,
    family: Sequence[Member],
    stream: TokenStream,
    contexts: Contexts,
    vocabulary: Vocabulary,
    *,
    config: SplittingConfig,
    dtype: torch.dtype,
) -> Splitting:
    """What becomes of latents as the width grows, on windows of the held-out stream."""
    n_ctx, size = model.config.n_ctx, config.batch_size
    windows = sample_windows(stream, n_ctx=n_ctx, n_tokens=config.n_tokens, seed=config.seed)
    text = encoded.text_of(windows)
    labels, names = contexts.at(text.position), contexts.names
    dictionaries = [member.sae for member in family]
    acts = encoded.encode(
        model, dictionaries, windows, batch_size=size, dtype=dtype, description="widths"
    )
    R = model_readout(model, encoded.some_windows(windows), batch_size=size)
    belonging = [
        membership.members(each, labels, names, min_active=config.min_active) for each in acts
    ]
    latents, counts = [], []
    for member, each, found in zip(family, acts, belonging, strict=True):
        table = latent_table(each, found, text, vocabulary, least=config.min_active)
        digits = _digit_effects(member.sae, R, table, labels, names, text, vocabulary)
        latents.append(_keyed(table.assign(**digits), member))
        counted = {"context": names, "n_latents": found.belongs.sum(axis=1)}
        counts.append(_keyed(pd.DataFrame(counted), member))
    widest = max(range(len(family)), key=lambda i: (family[i].d_sae, -family[i].seed))
    rows = directions.unit_rows(family[widest].sae)
    edges, relatives = edges_across(family, acts, min_active=config.min_active, seed=config.seed)
    return Splitting(
        latents=pd.concat(latents, ignore_index=True),
        contexts=pd.concat(counts, ignore_index=True),
        edges=edges,
        relatives=relatives,
        clusters=directions.clusters(rows, belonging[widest].belongs, names, seed=config.seed),
    )


def commonest_word(token: Int[np.ndarray, " n_tokens"], of: Vocabulary) -> int:
    """The id of the word that occurs most often; -1 if the vocabulary has no word."""
    counts = np.bincount(token, minlength=of.size) * of.is_word
    return int(counts.argmax()) if of.is_word.any() else -1


def latent_table(
    acts: sparse.csr_matrix,
    belonging: Membership,
    text: Text,
    vocabulary: Vocabulary,
    *,
    least: int,
) -> pd.DataFrame:
    """The latents active on at least that many tokens: what each is active on."""
    active, strength = moments.firings(acts), moments.total(acts)
    judged = np.flatnonzero(active >= least)
    by_token = encoded.by_token(acts, text.token, d_vocab=vocabulary.size)
    top, share = encoded.top_token(by_token)
    digits = np.asarray(by_token[vocabulary.digits].sum(axis=0), dtype=np.float64).ravel()
    columns = {
        "latent": judged,
        "density": active[judged] / len(text.token),
        "top_token": top[judged],
        "top_token_share": share[judged],
        "single_token": encoded.is_single_token(acts, text.token)[judged],
        "on_commonest_word": top[judged] == commonest_word(text.token, vocabulary),
        "context": belonging.context[judged],
        "precision": belonging.precision[judged],
        "digit_share": (digits / strength.clip(min=1e-30))[judged],
    }
    return pd.DataFrame(columns)


def summary(found: Splitting) -> dict[str, int | float]:
    """Counts, for metrics.json."""
    widths = found.latents.groupby("d_sae", sort=True)
    numbers: dict[str, int | float] = {
        "edges": len(found.edges),
        "contexts": int(found.contexts["context"].nunique()),
    }
    for width, latents in widths:
        numbers[f"single_token_share_{width}"] = float(latents["single_token"].mean())
    return numbers


def _digit_effects(
    sae: SAE,
    R: torch.Tensor,
    latents: pd.DataFrame,
    labels: sparse.csr_matrix,
    names: list[str],
    text: Text,
    vocabulary: Vocabulary,
) -> dict[str, np.ndarray]:
    """The mean logit weight of a context's latent on digits and on the context's other tokens.

    In standard deviations of the latent's logit weights over the vocabulary; NaN without a context.
    """
    digit, other = np.full(len(latents), np.nan), np.full(len(latents), np.nan)
    for index, name in enumerate(names):
        chosen = np.flatnonzero((latents["context"] == name).to_numpy())
        if not len(chosen):
            continue
        tokens = text.token[np.asarray(labels[:, [index]].todense()).ravel() > 0]
        common = np.bincount(tokens, minlength=vocabulary.size).argsort(kind="stable")[::-1]
        others = np.setdiff1d(common[:N_DIGITS_TOP], vocabulary.digits)
        rows = torch.from_numpy(latents["latent"].to_numpy()[chosen].copy())
        effects = logit_effects(sae.W_dec.detach().cpu()[rows], R.cpu()).numpy()
        effects = effects / effects.std(axis=1, keepdims=True)
        digit[chosen] = effects[:, vocabulary.digits].mean(axis=1)
        other[chosen] = effects[:, others].mean(axis=1)
    return {"digit_effect": digit, "other_effect": other}


def _keyed(table: pd.DataFrame, member: Member) -> pd.DataFrame:
    keyed = table.assign(d_sae=member.d_sae, seed=member.seed)
    return keyed.loc[:, ["d_sae", "seed", *table.columns]]
