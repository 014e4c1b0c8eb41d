"""Whether two dictionaries find the same latents: correlations of their activations on one text.

Each unit of the first dictionary is matched with one of the second (`matching`); then their logit
weights, their attributions and, in one model, their directions are compared.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float
from scipy import sparse

from superposition.features import encoded, moments
from superposition.features.directions import neighbours
from superposition.features.encoded import Text
from superposition.features.logit_effects import logit_effects, model_readout
from superposition.features.matching import Best, matches, neuron_matches, often_active
from superposition.features.membership import Contexts
from superposition.features.streaming import Windows, sample_windows
from superposition.language.concepts.labels import halves
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE

COLUMNS = ["kind", "unit", "density", "top_token", "match", "correlation"]
COLUMNS += ["correlation_in_sample", "null_correlation", "null_in_sample", "logit_correlation"]
COLUMNS += ["attribution_correlation", "decoder_cosine", "best_decoder_cosine"]


@dataclass(frozen=True, kw_only=True)
class UniversalityConfig:
    """Two autoencoders to compare, and on how much text."""

    first: str
    """Where the first one lies: `sae/<row>`, or `sweep/<row>` with a point."""
    first_point: str | None = None
    """Its point of the sweep, such as 4096-30-0."""
    first_activations: str
    """The row of `activations` that it learned."""
    second: str
    """Where the second one lies; each unit of the first looks for its match among its units."""
    second_point: str | None = None
    """Its point of the sweep."""
    second_activations: str
    """The row of `activations` that it learned."""
    n_tokens: int
    """Held-out tokens, rounded down to whole windows. Source: 40,960,000 in Towards
    Monosemanticity, appendix; here what a laptop does in seconds."""
    batch_size: int
    """Windows at a time. Only memory depends on it."""
    min_active: int
    """Tokens of each half on which a unit must be active to be compared."""
    seed: int
    """Draws the windows and shuffles the tokens of the null."""

    def __post_init__(self) -> None:
        for name in ("n_tokens", "batch_size", "min_active"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        for name in ("first", "second"):
            folder, point = getattr(self, name), getattr(self, f"{name}_point")
            if folder.split("/")[0] not in ("sae", "sweep"):
                raise ValueError(f"{name}={folder!r}; allowed: sae/<row>, sweep/<row>")
            if folder.startswith("sweep/") != (point is not None):
                raise ValueError(f"{name}={folder!r} with {name}_point={point!r}: sweeps have some")

    @property
    def same_model(self) -> bool:
        """Whether both learned the activations of one model, so that their directions compare."""
        return self.first_activations == self.second_activations


class Side(NamedTuple):
    """One of the two dictionaries, with the model that it reads."""

    model: OneLayerTransformer
    sae: SAE


class Comparison(NamedTuple):
    """Tables universality/<name>.parquet."""

    units: pd.DataFrame
    """One row per unit of the first that is active often enough, latents and neurons."""
    contexts: pd.DataFrame
    """One row per context: the latent that detects it best, and its match."""
    neighbours: pd.DataFrame
    """One row per pair of latents of the first that point in similar directions."""


def compare(
    first: Side,
    second: Side,
    stream: TokenStream,
    contexts: Contexts,
    *,
    config: UniversalityConfig,
    dtype: torch.dtype,
) -> Comparison:
    """How alike the units of both sides are, on windows of the held-out stream."""
    n_ctx = first.model.config.n_ctx
    windows = sample_windows(stream, n_ctx=n_ctx, n_tokens=config.n_tokens, seed=config.seed)
    text = encoded.text_of(windows)
    late = ~halves(stream).numpy()[text.position]
    acts = [_encode(side, windows, config, dtype) for side in (first, second)]
    best, null = matches(acts[0], acts[1], late, seed=config.seed)
    judged = often_active(acts[0], late, config.min_active)
    effects = [_effects(side, windows, config) for side in (first, second)]
    latents = _latents(acts, effects, best, null, judged, text, late)
    latents = latents.assign(**_cosines(first.sae, second.sae, latents, config))
    tables = [latents.assign(kind="latent")]
    if not config.same_model:
        tables.append(_neurons(first.model, second.model, windows, late, config))
    units = pd.concat([table.reindex(columns=COLUMNS) for table in tables], ignore_index=True)
    labels, names = contexts.at(text.position), contexts.names
    found = context_matches(acts, labels, names, late, latents)
    return Comparison(units, found, neighbours(first.sae))


def context_matches(
    acts: list[sparse.csr_matrix],
    labels: sparse.csr_matrix,
    names: list[str],
    late: Bool[np.ndarray, " n_tokens"],
    latents: pd.DataFrame,
) -> pd.DataFrame:
    """For each context the latent with the best F1 on the first half, and its match.

    F1 is that of "active" as a detector of the context, reported on the second half, for the
    latent and for its match in the other dictionary. Frame: universality/contexts.parquet.
    """
    chosen = moments.f1_scores(acts[0][~late], labels[~late])[:, latents["unit"].to_numpy()]
    if not len(names) or not chosen.shape[1]:
        return pd.DataFrame(columns=["context", *CONTEXT_COLUMNS])
    best = latents.iloc[chosen.argmax(axis=1)].reset_index(drop=True)
    index = np.arange(len(names))
    scores = [moments.f1_scores(each[late], labels[late]) for each in acts]
    columns = {
        "context": names,
        "latent": best["unit"],
        "f1": scores[0][index, best["unit"].to_numpy()],
        "match": best["match"],
        "match_f1": scores[1][index, best["match"].to_numpy()],
        "correlation": best["correlation"],
        "logit_correlation": best["logit_correlation"],
    }
    return pd.DataFrame(columns)


CONTEXT_COLUMNS = ["latent", "f1", "match", "match_f1", "correlation", "logit_correlation"]


def summary(compared: Comparison, config: UniversalityConfig) -> dict[str, float | int | None]:
    """The medians, for metrics.json."""
    numbers: dict[str, float | int | None] = {"n_tokens": config.n_tokens}
    for kind in ("latent", "neuron"):
        of_kind = compared.units.loc[compared.units["kind"] == kind]
        numbers[f"{kind}s_compared"] = len(of_kind)
        for name in ("correlation", "correlation_in_sample", "null_in_sample"):
            numbers[f"{kind}_median_{name}"] = _median(of_kind[name])
    latents = compared.units.loc[compared.units["kind"] == "latent"]
    numbers["mean_best_decoder_cosine"] = _median(latents["best_decoder_cosine"], mean=True)
    return numbers


def _encode(
    side: Side, windows: Windows, config: UniversalityConfig, dtype: torch.dtype
) -> sparse.csr_matrix:
    (acts,) = encoded.encode(
        side.model,
        [side.sae],
        windows,
        batch_size=config.batch_size,
        dtype=dtype,
        description="activations",
    )
    return acts


def _effects(
    side: Side, windows: Windows, config: UniversalityConfig
) -> Float[np.ndarray, "unit d_vocab"]:
    R = model_readout(side.model, encoded.some_windows(windows), batch_size=config.batch_size)
    return logit_effects(side.sae.W_dec, R).cpu().numpy()


def _latents(
    acts: list[sparse.csr_matrix],
    effects: list[np.ndarray],
    best: Best,
    null: Best,
    judged: np.ndarray,
    text: Text,
    late: np.ndarray,
) -> pd.DataFrame:
    match = best.match[judged]
    pairs = [acts[0][:, judged], acts[1][:, match]]
    rows = [effects[0][judged], effects[1][match]]
    d_vocab = effects[0].shape[1]
    top, _ = encoded.top_token(encoded.by_token(pairs[0], text.token, d_vocab=d_vocab))
    attributed = [
        _attribution(one[late], rows_, text.next_token[late])
        for one, rows_ in zip(pairs, rows, strict=True)
    ]
    columns = {
        "unit": judged,
        "density": moments.firings(pairs[0]) / len(late),
        "top_token": top,
        **_correlations(best, null, judged),
        "logit_correlation": _row_correlation(*rows),
        "attribution_correlation": moments.paired_correlation(*attributed),
    }
    return pd.DataFrame(columns)


def _attribution(
    x: sparse.csr_matrix, effects: np.ndarray, next_token: np.ndarray
) -> sparse.csr_matrix:
    """Activation times the latent's weight on the logit of the token that really comes next.

    Source: Towards Monosemanticity, Universality, attribution similarity.
    """
    row = np.repeat(np.arange(x.shape[0]), np.diff(x.indptr))
    values = x.data * effects[x.indices, next_token[row]]
    return sparse.csr_matrix((values, x.indices, x.indptr), shape=x.shape)


def _row_correlation(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each row with the same row of the other matrix."""
    if not len(rows):
        return np.zeros(0)
    centred = [each - each.mean(axis=1, keepdims=True) for each in (rows, others)]
    norms = np.linalg.norm(centred[0], axis=1) * np.linalg.norm(centred[1], axis=1)
    products = (centred[0] * centred[1]).sum(axis=1)
    return np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)


def _cosines(
    first: SAE, second: SAE, latents: pd.DataFrame, config: UniversalityConfig
) -> dict[str, np.ndarray]:
    """Cosines of decoder rows with the match and with the closest row of the other dictionary."""
    names = ("decoder_cosine", "best_decoder_cosine")
    if not config.same_model:
        return {name: np.full(len(latents), np.nan) for name in names}
    ours, theirs = (
        torch.nn.functional.normalize(sae.W_dec.detach().float().cpu(), dim=-1).numpy()
        for sae in (first, second)
    )
    cosines = ours[latents["unit"]] @ theirs.T
    with_match = cosines[np.arange(len(latents)), latents["match"]]
    largest = cosines.max(axis=1) if len(latents) else with_match
    return dict(zip(names, (with_match, largest), strict=True))


def _neurons(
    first: OneLayerTransformer,
    second: OneLayerTransformer,
    windows: Windows,
    late: np.ndarray,
    config: UniversalityConfig,
) -> pd.DataFrame:
    size = config.batch_size
    found = neuron_matches(first, second, windows, late, batch_size=size, seed=config.seed)
    judged = np.flatnonzero(found.active.min(axis=0) >= config.min_active)
    few = encoded.some_windows(windows)
    R = [model_readout(m, few, batch_size=size).cpu().numpy() for m in (first, second)]
    match = found.best.match[judged]
    columns = {
        "kind": "neuron",
        "unit": judged,
        "density": found.active.sum(axis=0)[judged] / len(late),
        "top_token": found.top_token[judged],
        **_correlations(found.best, found.null, judged),
        "logit_correlation": _row_correlation(R[0][judged], R[1][match]),
    }
    return pd.DataFrame(columns)


def _correlations(best: Best, null: Best, judged: np.ndarray) -> dict[str, np.ndarray]:
    columns = {
        "match": best.match,
        "correlation": best.correlation,
        "correlation_in_sample": best.in_sample,
        "null_correlation": null.correlation,
        "null_in_sample": null.in_sample,
    }
    return {name: values[judged] for name, values in columns.items()}


def _median(values: pd.Series, *, mean: bool = False) -> float | None:
    known = values.dropna().to_numpy(dtype=float)
    if not len(known):
        return None
    return float(known.mean() if mean else np.median(known))
