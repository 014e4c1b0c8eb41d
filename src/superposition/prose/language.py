"""Values of the text, the transformer and the two autoencoders that every chapter mentions."""

import math

from superposition.results import NGRAMS, Results
from superposition.sources import sourced
from superposition.values import NOT_RUN, Texts, between, fmt

NORMAL_95 = 1.96
"""Standard errors to each side that make a 95% interval."""
PREFIXES = {"l1": "l1", "batch-topk": "topk"}
"""How the values of an autoencoder begin, by its row."""
_SAE_KEYS = (
    *("activations", "l0", "mse", "explained_variance", "loss", "loss_recovered"),
    *("loss_recovered_interval", "loss_recovered_mean", "loss_recovered_mean_interval", "dead"),
    *("dead_share", "dead_interval", "ultra_low", "ultra_low_share", "over_one_percent"),
    *("cosine",),
)
NAMES = (
    *("text_bytes", "found_bytes", "found_files", "packages", "documents", "train_documents"),
    *("held_out_documents", "duplicates", "planted_share", "vocab_size", "train_tokens"),
    *("held_out_tokens", "bytes_per_token", "held_out_loss", "held_out_loss_interval"),
    *("held_out_perplexity", "trained_tokens", "parameters", "epochs", "against_trigram"),
    *("against_five_gram", "loss_clean", "loss_zero_ablation", "loss_mean_ablation"),
    *("neuron_l0", "evaluation_tokens", "d_in", "d_sae"),
    *(f"{model}_loss" for model in (*NGRAMS, "second_seed", "shuffled")),
    *(f"{prefix}_{key}" for prefix in PREFIXES.values() for key in _SAE_KEYS),
)
"""Names of the values, at every scale."""


def texts(r: Results) -> Texts:
    """The values, by name."""
    return _text(r) | _tokens(r) | _losses(r) | _saes(r)


@sourced
def _text(r: Results) -> Texts:
    text = r.text.metrics
    n_bytes = text.train_bytes + text.held_out_bytes
    return {
        "text_bytes": fmt(n_bytes, "B"),
        "found_bytes": fmt(text.distinct_bytes, "B"),
        "found_files": fmt(text.distinct_files),
        "packages": fmt(text.packages),
        "documents": fmt(text.train_documents + text.held_out_documents),
        "train_documents": fmt(text.train_documents),
        "held_out_documents": fmt(text.held_out_documents),
        "duplicates": fmt(text.near_duplicates),
        "planted_share": fmt(text.planted_bytes / n_bytes, "%"),
    }


@sourced
def _tokens(r: Results) -> Texts:
    tokens = r.tokens.metrics
    return {
        "vocab_size": fmt(tokens.vocab_size),
        "train_tokens": fmt(tokens.train_tokens, "million"),
        "held_out_tokens": fmt(tokens.held_out_tokens),
        "bytes_per_token": fmt(tokens.bytes_per_token),
    }


def _losses(r: Results) -> Texts:
    others = {f"{row.replace('-', '_')}_loss": _loss(r, row) for row in ("second-seed", "shuffled")}
    return _ngrams(r) | others | _main(r) | _baselines(r)


@sourced
def _ngrams(r: Results) -> Texts:
    return {f"{name}_loss": fmt(r.ngrams.metrics.things[name]) for name in NGRAMS}


@sourced
def _loss(r: Results, row: str) -> str:
    known = row in r.rows("transformer")
    return fmt(r.transformer(row).metrics.held_out_loss) if known else NOT_RUN


@sourced
def _main(r: Results) -> Texts:
    main = r.transformer("main").metrics
    error = NORMAL_95 * main.held_out_standard_error
    return {
        "held_out_loss": fmt(main.held_out_loss),
        "held_out_loss_interval": between(main.held_out_loss - error, main.held_out_loss + error),
        "held_out_perplexity": fmt(math.exp(main.held_out_loss)),
        "trained_tokens": fmt(main.n_tokens, "million"),
        "parameters": fmt(main.n_parameters),
        "epochs": fmt(float(main.n_epochs)),
    }


@sourced
def _baselines(r: Results) -> Texts:
    main, ngrams = r.transformer("main").metrics, r.ngrams.metrics
    return {
        "against_trigram": _against(main.held_out_loss, ngrams.trigram),
        "against_five_gram": _against(main.held_out_loss, ngrams.five_gram),
    }


def _against(loss: float, baseline: float) -> str:
    side = "below" if loss < baseline else "above"
    return f"{fmt(abs(baseline - loss), 'nats')} {side}"


def _saes(r: Results) -> Texts:
    """Of both autoencoders on the transformer, and of the evaluation they share."""
    texts = {}
    for row, prefix in PREFIXES.items():
        known = row in r.rows("sae")
        found = _training(r, row) | _sae(r, row) if known else dict.fromkeys(_SAE_KEYS, NOT_RUN)
        texts |= {f"{prefix}_{key}": text for key, text in found.items()}
    return texts | _shared(r)


@sourced
def _shared(r: Results) -> Texts:
    shared = r.evaluation(r.rows("sae")[0]).metrics
    return {
        "loss_clean": fmt(shared.loss_clean),
        "loss_zero_ablation": fmt(shared.loss_zero_ablation),
        "loss_mean_ablation": fmt(shared.loss_mean_ablation),
        "neuron_l0": fmt(float(shared.neuron_l0)),
        "evaluation_tokens": fmt(shared.n_tokens),
        "d_in": fmt(shared.d_in),
        "d_sae": fmt(shared.d_sae),
    }


@sourced
def _training(r: Results, row: str) -> Texts:
    return {"activations": fmt(r.sae(row).metrics.n_activations, "million")}


@sourced
def _sae(r: Results, row: str) -> Texts:
    m = r.evaluation(row).metrics
    zero = (m.loss_recovered_zero_low, m.loss_recovered_zero_high)
    mean = (m.loss_recovered_mean_low, m.loss_recovered_mean_high)
    texts = (
        fmt(float(m.l0)),
        fmt(float(m.mse)),
        fmt(m.explained_variance, "%"),
        fmt(m.loss_sae),
        fmt(m.loss_recovered_zero, "%"),
        between(*zero, "%"),
        fmt(m.loss_recovered_mean, "%"),
        between(*mean, "%"),
        fmt(m.dead),
        fmt(m.dead_fraction, "%"),
        between(m.dead_fraction_low, m.dead_fraction_high, "%"),
        fmt(m.ultra_low_density),
        fmt(m.ultra_low_density_fraction, "%"),
        fmt(m.over_one_percent),
        fmt(float(m.median_encoder_decoder_cosine)),
    )
    return dict(zip(_SAE_KEYS[1:], texts, strict=True))
