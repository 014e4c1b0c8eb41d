"""The numbers of the prose: `v = values(r)`, then `v.l1_l0` is a string with its unit.

One line per value. Everything is formatted by `fmt`; prose neither rounds nor computes.
"""

import importlib
import math
import pkgutil
from collections.abc import Callable

from superposition import prose
from superposition.artefacts import Named, Toy
from superposition.core.store import ArtefactError
from superposition.results import Results
from superposition.sources import MISSING, Incomplete, Text, sourced

NOT_RUN = "(not run at this scale)"
"""Stands for the values of experiments that this scale leaves out."""
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_BYTES = ("B", "kB", "MB", "GB", "TB")
_SPACE = "\u00a0"

Texts = dict[str, str]


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
        _five_in_two,
        _many,
        _toy_saes,
        _verdicts,
        *_topics(),
    ):
        shown |= _from(r, group)
    kind = Incomplete if any(name.startswith(MISSING) for name in shown) else Named
    return kind("value", shown, origin="superposition.values")


def _from(r: Results, group: Callable[[Results], Texts]) -> dict[str, Text]:
    """The values of one group, each with its name and its sources."""
    r.take_asked()
    try:
        texts = sourced(group)(r)
    except ArtefactError as error:
        return {f"{MISSING}{group.__module__}": Text(error)}
    shown = {name: Text(text) for name, text in texts.items()}
    for name, text in shown.items():
        text.origins = getattr(texts[name], "origins", "")
        text.name, text.folder, text.module = name, f"data/{r.params.scale}", group.__module__
    r.take_asked()
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
        for word, position in (("densest", 0), ("sparsest", -1)):
            texts[f"{_name(row)}_{word}"] = _represented(r, row, position)
    return texts


@sourced
def _represented(r: Results, row: str, position: int) -> str:
    known = row in r.rows("toy")
    return fmt(int(r.toy(row).best["n_represented"].iloc[position])) if known else NOT_RUN


@sourced
def _target(r: Results) -> Texts:
    target = r.toy("sae-target")
    pentagons = target.instances["geometry"].tolist().count("pentagon")
    return {
        "target_pentagons": of(pentagons, len(target.instances)),
        "target_density": fmt(target.densities[0], "given"),
    }


def _toy_saes(r: Results) -> Texts:
    texts = _target(r)
    for row in ("no-resampling", "random-resampling", "loss-weighted-resampling"):
        texts |= _toy_sae(r, row, _name(row))
    return texts


@sourced
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


def _verdicts(r: Results) -> Texts:
    verdicts = r.claims()["verdict"].tolist()
    r.remember([("claims", "")])
    texts = {"claims_total": fmt(len(verdicts))}
    names = ("replicated", "partly", "not replicated", "not run at this scale")
    for name in names:
        key = "not_run" if name.startswith("not run") else _name(name)
        texts[f"claims_{key}"] = fmt(verdicts.count(name))
    return texts


def _name(row: str) -> str:
    return row.replace("-", "_").replace(" ", "_")
