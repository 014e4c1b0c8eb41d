"""The numbers of the section on a GPU's speed, from data/bench-gpu.json."""

import math
import re
from collections.abc import Hashable
from typing import Any

from superposition.benchmarks.record import GPU_PATH, OURS, PLAIN, SAELENS, Record
from superposition.charts.benchmarks import ARCHITECTURES
from superposition.results import Results
from superposition.sources import recorded
from superposition.values import between, fmt

Texts = dict[str, str]
Row = dict[Hashable, Any]
NOT_MEASURED = "(not measured on a GPU yet)"
"""Stands for every value while there is no such record, or not this part of it."""
_KEYS = (
    *("card", "memory", "cuda", "torch", "product_rate", "copy_rate", "batch", "rounds", "steps"),
    *("narrowest", "tokens", "widest", "widest_tokens", "saelens_low", "saelens_high"),
    *("fastest_low", "fastest_high", "plain", "share", "broken", "left_out"),
    *("quality_plain", "quality_peer"),
)
NAMES = tuple(f"speed_gpu_{key}" for key in _KEYS)
"""Names of the values, at every scale."""


def texts(r: Results) -> Texts:
    """Every value of the section."""
    bench, found = r.bench_gpu, {}
    if bench.measured:
        found = _set_up(bench) | _throughput(bench) | _ratios(bench) | _quality(bench)
    texts = {f"speed_gpu_{key}": found.get(key, NOT_MEASURED) for key in _KEYS}
    return recorded(texts, str(GPU_PATH))


def _set_up(bench: Record) -> Texts:
    machine, plan = bench.sections["machine"], bench.sections["plan"]
    return {
        "card": str(machine["accelerator"]),
        "memory": fmt(int(machine["accelerator_memory_bytes"]), "B"),
        "cuda": str(machine["cuda"]),
        "torch": str(machine["torch"]),
        "product_rate": fmt(float(machine["bfloat16_flop_per_second"]) / 1e12, "TFLOP/s"),
        "copy_rate": fmt(float(machine["copy_bytes_per_second"]) / 1e9, "GB/s"),
        "batch": fmt(int(plan["batch_size"])),
        "rounds": fmt(int(plan["rounds"])),
        "steps": fmt(int(plan["steps_per_turn"])),
        "broken": _broken(bench),
        "left_out": "; ".join(_plain(each) for each in bench.sections["left_out"]) or "nothing",
    }


def _broken(bench: Record) -> str:
    """Settings that peers offer and that did not run, and whose they are."""
    found: dict[str, None] = {}
    for row in bench.steps.to_dict("records"):
        for setting in re.findall(r"\(([^()]*): does not run here\)", row["setting"]):
            found[f"{setting} ({row['contender']})"] = None
    return "; ".join(found) or "none"


def _plain(text: str) -> str:
    """The first line without what Markdown would read, and not all of a long one."""
    return re.sub(r"[^\w\s.,:;()/=-]", "", text.split("\n")[0])[:160].strip()


def _throughput(bench: Record) -> Texts:
    """Inputs per second at both ends of the widths; the encoder's product beside the best rate."""
    ours, rates = bench.of(OURS).to_dict("records"), {}
    for row in ours:
        rate = int(row["batch_size"] / row[f"{bench.clock}_seconds"])
        rates.setdefault(int(row["d_sae"]), []).append(rate)
    narrowest, widest = min(rates), max(rates)
    found = {
        "narrowest": fmt(narrowest),
        "tokens": _span(rates[narrowest], "million"),
        "widest": fmt(widest),
        "widest_tokens": _span(rates[widest], "million"),
    }
    shares = [share for row in ours if (share := row.get("product_share", math.nan)) == share]
    return found | ({"share": _span(shares, "%")} if shares else {})


def _ratios(bench: Record) -> Texts:
    """The extremes of what SAELens, the fastest peer and the plain step take, in units of ours."""
    ratio, found = f"{bench.clock}_ratio", {}
    if plain := [row[ratio] for row in bench.of(PLAIN).to_dict("records")]:
        found["plain"] = _span(plain, "")
    for name, rows in (("saelens", bench.of(SAELENS)), ("fastest", bench.fastest())):
        ordered = rows.sort_values(ratio).to_dict("records")
        for end, at in (("low", 0), ("high", -1)) if ordered else ():
            who = "" if name == "saelens" else f"{ordered[at]['contender']}, "
            found[f"{name}_{end}"] = _placed(ordered[at], ratio, who)
    return found


def _quality(bench: Record) -> Texts:
    """How far from ours the plain step and the best peer learn, at the same seed."""
    gaps = bench.quality_gaps()
    found = {}
    if plain := [abs(gap) for name, gap in gaps if name == PLAIN]:
        found["quality_plain"] = fmt(max(plain), digits=1)
    if peers := [gap for name, gap in gaps if name != PLAIN]:
        found["quality_peer"] = fmt(max(peers), digits=2)
    return found


def _span(values: list[float] | list[int], unit: str) -> str:
    """The smallest to the largest."""
    return between(min(values), max(values), unit)


def _placed(row: Row, ratio: str, who: str) -> str:
    """A ratio with what it is of."""
    where = f"{ARCHITECTURES[row['arch']]} at {fmt(int(row['d_sae']))} latents"
    return f"{fmt(float(row[ratio]))} ({who}{where})"
