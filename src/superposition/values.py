"""The numbers of the prose: `v = values(r)`, then `v.l1_l0` is a string with its unit.

They are computed topic by topic, when one of a topic is asked for: a page waits for its own only.
Everything is formatted by `fmt`; prose neither rounds nor computes.
"""

import importlib
import math
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Protocol, cast, runtime_checkable

from superposition import prose
from superposition.artefacts import Named
from superposition.core.store import ArtefactError
from superposition.results import Results
from superposition.sources import Missing, Text

NOT_RUN = "(not run at this scale)"
"""Stands for the values of experiments that this scale leaves out."""
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_BYTES = ("B", "kB", "MB", "GB", "TB")
_SPACE = "\u00a0"

Texts = dict[str, str]


@runtime_checkable
class Topic(Protocol):
    """A module of `superposition.prose`."""

    __name__: str
    NAMES: tuple[str, ...]
    """The names of its values, the same at every scale."""

    def texts(self, r: Results) -> Texts:
        """Its values by name, those computed from results marked by `sourced`.

        NOT_RUN for those of experiments that the scale leaves out.
        """
        ...


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
    return Named("value", _ByTopic(r), origin="superposition.values")


class _ByTopic(Mapping[str, str]):
    """The values of all topics by name; a topic's are computed together, when first asked for."""

    def __init__(self, r: Results) -> None:
        self._r = r
        self._topics = {name: topic for topic in topics() for name in topic.NAMES}
        self._computed: dict[str, Mapping[str, str]] = {}

    def __getitem__(self, name: str) -> str:
        topic = self._topics[name]
        if topic.__name__ not in self._computed:
            self._computed[topic.__name__] = _of_topic(self._r, topic)
        return self._computed[topic.__name__][name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._topics)

    def __len__(self) -> int:
        return len(self._topics)

    def __contains__(self, name: object) -> bool:
        return name in self._topics


@cache
def topics() -> tuple[Topic, ...]:
    """Every module of `superposition.prose`."""
    modules = pkgutil.iter_modules(prose.__path__, f"{prose.__name__}.")
    return tuple(cast(Topic, importlib.import_module(module.name)) for module in modules)


def _of_topic(r: Results, topic: Topic) -> Mapping[str, str]:
    """The values of one topic with their sources, or what they lack; no figure's sources change."""
    before = r.take_asked()
    try:
        texts = topic.texts(r)
    except ArtefactError as error:
        return dict.fromkeys(topic.NAMES, Missing(f"missing: {error}"))
    finally:
        r.take_asked()
        r.remember(before)
    assert set(texts) == set(topic.NAMES), f"{topic.__name__}: {set(texts) ^ set(topic.NAMES)}"
    return {name: _text(r, topic, name, texts[name]) for name in topic.NAMES}


def _text(r: Results, topic: Topic, name: str, text: str) -> Text:
    """A value that knows its name and where it was computed from what."""
    shown = Text(text)
    shown.origins = getattr(text, "origins", "")
    shown.name, shown.folder, shown.module = name, f"data/{r.params.scale}", topic.__name__
    return shown


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
