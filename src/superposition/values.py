"""The numbers of the prose: `v = values(r)`, then `v.l1_l0` is a string with its unit.

One line per value. Everything is formatted by `fmt`; prose neither rounds nor computes.
"""

import importlib
import math
import pkgutil
from collections.abc import Callable

from superposition import prose
from superposition.artefacts import Named, Toy
from superposition.results import NGRAMS, Results, title_of

NOT_RUN = "(not run at this scale)"
"""Stands for the values of experiments that this scale leaves out."""
NORMAL_95 = 1.96
"""Standard errors to each side that make a 95% interval."""
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_BYTES = ("B", "kB", "MB", "GB", "TB")
_SPACE = "\u00a0"

Texts = dict[str, str]


class Text(str):
    """A value as the pages show it: a span that knows its name and the experiments behind it.

    The repr they would use otherwise spells no-break spaces out.
    """

    name: str = ""
    """Its name in `values`."""
    origins: str = ""
    """The experiments that its group of values was computed from: stage, or stage@row."""

    def _repr_markdown_(self) -> str:
        origins = f' data-from="{self.origins}"' if self.origins else ""
        return f'[{self}]{{.value data-name="{self.name}"{origins}}}' if self.name else str(self)


def fmt(value: float | int, unit: str = "", *, digits: int = 3) -> str:
    """`value` with its unit: counts exactly, measurements to `digits` significant digits.

    The unit "%" shows a fraction in per cent, "B" picks kB to TB, "million" divides what is larger
    than that, and "given" shows a parameter as it was typed.

    >>> fmt(12345), fmt(3.14159), fmt(0.94561, "%"), fmt(29_912_345, "B")
    ('12,345', '3.14', '94.6%', '29.9\\xa0MB')
    >>> fmt(12_345_678, "million"), fmt(61_440, "million"), fmt(0.05, "given")
    ('12.3\\xa0million', '61,440', '0.05')
    >>> fmt(0.0000123), fmt(-0.5, "nats"), fmt(float("nan"))
    ('1.23\\xa0×\\xa010⁻⁵', '−0.500\\xa0nats', 'not measured')
    """
    if not math.isfinite(value):
        return "not measured"
    match unit:
        case "%":
            return f"{_number(100.0 * value, digits)}%"
        case "given":
            return f"{value:.4g}"
        case "million" if value < 1e6:
            return _number(round(value), digits)
        case "million":
            return f"{_number(value / 1e6, digits)}{_SPACE}million"
        case "B":
            power = min(int(math.log10(max(value, 1)) / 3), len(_BYTES) - 1)
            scaled = value / 1000**power if power else value
            return f"{_number(scaled, digits)}{_SPACE}{_BYTES[power]}"
    return f"{_number(value, digits)}{_SPACE}{unit}" if unit else _number(value, digits)


def between(low: float | int, high: float | int, unit: str = "", *, digits: int = 3) -> str:
    """An interval in words: `93.1% to 94.6%`."""
    return f"{fmt(low, unit, digits=digits)} to {fmt(high, unit, digits=digits)}"


def of(part: int, whole: int) -> str:
    """A count of a whole: `5 of 24`."""
    return f"{fmt(int(part))} of {fmt(int(whole))}"


def values(r: Results) -> Named:
    """All values by name, as attributes; a misspelt one says which exist."""
    shown: dict[str, Text] = {}
    for group in (
        _scale,
        _text,
        _losses,
        _five_in_two,
        _many,
        _toy_saes,
        _saes,
        _verdicts,
        *_topics(),
    ):
        shown |= _from(r, group)
    return Named("value", shown, origin="superposition.values")


def _from(r: Results, group: Callable[[Results], Texts]) -> dict[str, Text]:
    """The values of one group, each with its name and what the group asked the results for."""
    r.take_asked()
    shown = {name: Text(text) for name, text in group(r).items()}
    origins = " ".join(map(title_of, r.take_asked()))
    for name, text in shown.items():
        text.name, text.origins = name, origins
    return shown


def _topics() -> list[Callable[[Results], Texts]]:
    """`texts` of every module of `superposition.prose`."""
    modules = pkgutil.iter_modules(prose.__path__, f"{prose.__name__}.")
    return [importlib.import_module(module.name).texts for module in modules]


def _number(value: float | int, digits: int) -> str:
    sign = "−" if value < 0 else ""
    size = abs(value)
    if size == int(size) and not isinstance(value, float):
        return f"{sign}{size:,}"
    if size == 0:
        return "0"
    exponent = math.floor(math.log10(size))
    if exponent < -3:
        mantissa = f"{size / 10.0**exponent:.{digits - 1}f}"
        return f"{sign}{mantissa}{_SPACE}×{_SPACE}10{str(exponent).translate(_SUPERSCRIPT)}"
    return f"{sign}{size:,.{max(0, digits - 1 - exponent)}f}"


def _scale(r: Results) -> Texts:
    return {"scale": r.params.scale}


def _text(r: Results) -> Texts:
    text, tokens = r.text.metrics, r.tokens.metrics
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
        "vocab_size": fmt(tokens.vocab_size),
        "train_tokens": fmt(tokens.train_tokens, "million"),
        "held_out_tokens": fmt(tokens.held_out_tokens),
        "bytes_per_token": fmt(tokens.bytes_per_token),
    }


def _losses(r: Results) -> Texts:
    ngrams, main = r.ngrams.metrics, r.transformer("main").metrics
    error = NORMAL_95 * main.held_out_standard_error
    texts = {f"{name}_loss": fmt(ngrams.things[name]) for name in NGRAMS}
    for row in ("second-seed", "shuffled"):
        known = row in r.rows("transformer")
        loss = r.transformer(row).metrics.held_out_loss if known else None
        texts[f"{_name(row)}_loss"] = NOT_RUN if loss is None else fmt(loss)
    return texts | {
        "held_out_loss": fmt(main.held_out_loss),
        "held_out_loss_interval": between(main.held_out_loss - error, main.held_out_loss + error),
        "held_out_perplexity": fmt(math.exp(main.held_out_loss)),
        "trained_tokens": fmt(main.n_tokens, "million"),
        "parameters": fmt(main.n_parameters),
        "epochs": fmt(float(main.n_epochs)),
        "against_trigram": _against(main.held_out_loss, ngrams.trigram),
        "against_five_gram": _against(main.held_out_loss, ngrams.five_gram),
    }


def _against(loss: float, baseline: float) -> str:
    side = "below" if loss < baseline else "above"
    return f"{fmt(abs(baseline - loss), 'nats')} {side}"


def _five_in_two(r: Results) -> Texts:
    toy = r.toy("five-in-two")
    texts = {
        "toy_densities": fmt(len(toy.densities)),
        "toy_seeds": fmt(toy.n_seeds),
        "toy_models": fmt(len(toy.instances)),
        "sparsest_density": fmt(toy.densities[-1], "given"),
    }
    for word, density in (("dense", 1.0), ("eighty", 0.2), ("ninety", 0.1)):
        texts |= _share_of_geometries(toy, density, word)
    return texts


def _share_of_geometries(toy: Toy, density: float, word: str) -> Texts:
    """How many random starts end like the best one, at one density."""
    names = (f"{word}_geometry", f"{word}_seeds", f"{word}_share", f"{word}_pentagons")
    if not toy.has(density):
        return dict.fromkeys(names, NOT_RUN)
    labels = toy.instances.set_index("instance")["geometry"]
    found = labels.loc[toy.at(density).instance].tolist()
    alike, pentagons = found.count(found[0]), found.count("pentagon")
    texts = (found[0], of(alike, len(found)), fmt(alike / len(found), "%"))
    return dict(zip(names, (*texts, of(pentagons, len(found))), strict=True))


def _many(r: Results) -> Texts:
    """The toys with many features: how many the best models represent."""
    texts = {}
    for row in ("twenty-in-five", "twenty-in-five-linear", "eighty-in-twenty"):
        known = row in r.rows("toy")
        counts = r.toy(row).best["n_represented"] if known else None
        for word, position in (("densest", 0), ("sparsest", -1)):
            count = NOT_RUN if counts is None else fmt(int(counts.iloc[position]))
            texts[f"{_name(row)}_{word}"] = count
    return texts


def _toy_saes(r: Results) -> Texts:
    target = r.toy("sae-target")
    pentagons = target.instances["geometry"].tolist().count("pentagon")
    texts = {
        "target_pentagons": of(pentagons, len(target.instances)),
        "target_density": fmt(target.densities[0], "given"),
    }
    for row in ("no-resampling", "random-resampling", "loss-weighted-resampling"):
        texts |= _toy_sae(r, row, _name(row))
    return texts


def _toy_sae(r: Results, row: str, name: str) -> Texts:
    keys = [f"{name}_{key}" for key in ("complete", "recovered", "cosine", "distinct")]
    if row not in r.rows("toy_sae"):
        return dict.fromkeys(keys, NOT_RUN)
    metrics = r.toy_sae(row).metrics
    texts = (
        of(metrics.instances_complete, metrics.n_instances),
        fmt(float(metrics.mean_recovered)),
        fmt(float(metrics.mean_best_cosine)),
        fmt(float(metrics.mean_distinct_latents)),
    )
    return dict(zip(keys, texts, strict=True))


def _saes(r: Results) -> Texts:
    """Of both autoencoders on the transformer, and of the evaluation they share."""
    texts = {}
    for row, prefix in (("l1", "l1"), ("batch-topk", "topk")):
        known = row in r.rows("sae")
        found = _sae(r, row) if known else dict.fromkeys(_SAE_KEYS, NOT_RUN)
        texts |= {f"{prefix}_{key}": text for key, text in found.items()}
    shared = r.evaluation(r.rows("sae")[0]).metrics
    return texts | {
        "loss_clean": fmt(shared.loss_clean),
        "loss_zero_ablation": fmt(shared.loss_zero_ablation),
        "loss_mean_ablation": fmt(shared.loss_mean_ablation),
        "neuron_l0": fmt(float(shared.neuron_l0)),
        "evaluation_tokens": fmt(shared.n_tokens),
        "d_in": fmt(shared.d_in),
        "d_sae": fmt(shared.d_sae),
    }


_SAE_KEYS = (
    "activations",
    "l0",
    "mse",
    "explained_variance",
    "loss",
    "loss_recovered",
    "loss_recovered_interval",
    "loss_recovered_mean",
    "loss_recovered_mean_interval",
    "dead",
    "dead_share",
    "dead_interval",
    "ultra_low",
    "ultra_low_share",
    "over_one_percent",
    "cosine",
)


def _sae(r: Results, row: str) -> Texts:
    m = r.evaluation(row).metrics
    zero = (m.loss_recovered_zero_low, m.loss_recovered_zero_high)
    mean = (m.loss_recovered_mean_low, m.loss_recovered_mean_high)
    texts = (
        fmt(r.sae(row).metrics.n_activations, "million"),
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
    return dict(zip(_SAE_KEYS, texts, strict=True))


def _verdicts(r: Results) -> Texts:
    verdicts = r.claims()["verdict"].tolist()
    texts = {"claims_total": fmt(len(verdicts))}
    names = ("replicated", "partly", "not replicated", "not run at this scale")
    for name in names:
        key = "not_run" if name.startswith("not run") else _name(name)
        texts[f"claims_{key}"] = fmt(verdicts.count(name))
    return texts


def _name(row: str) -> str:
    return row.replace("-", "_").replace(" ", "_")
