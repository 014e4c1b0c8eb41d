"""The numbers of the page on speed, from data/bench.json and data/bench-bf16.json."""

from superposition.benchmarks.record import BF16_PATH, MEMORY, OURS, PATH, PLAIN, PRODUCT, Record
from superposition.charts.benchmarks import ARCHITECTURES, CLOCKS
from superposition.results import Results
from superposition.sources import recorded
from superposition.values import NOT_RUN, between, fmt, of

Texts = dict[str, str]
_KEYS = (
    *("machine", "cores", "vector_units", "bfloat16", "load", "clock", "threads", "rounds"),
    *("batch", "k", "d_in", "width", "smallest", "largest", "tokens_low", "tokens_high"),
    *("plain", "product_share", "quality_gap", "quality_inputs", "quality_seeds"),
    *("quality_noise", "quality_within", "widest", "widest_batch", "widest_ours"),
    "widest_timed",
    *("batch_width", "memory", "left_out", "torch", "sae_lens", "dictionary_learning"),
    *("sparsify", "offset_ours", "offset_dictionary_learning", "plain_quality_gap"),
)
_BF16_KEYS = (
    *("machine", "cores", "vector_units", "torch", "load", "clock", "rounds", "width"),
    *("smallest", "largest", "tokens_low", "tokens_high", "plain", "product_share", "memory"),
    *("plain_quality_gap", "quality_gap", "left_out"),
)
NAMES = (*(f"speed_{key}" for key in _KEYS), *(f"speed_bf16_{key}" for key in _BF16_KEYS))
"""Names of the values, at every scale."""


def texts(r: Results) -> Texts:
    """Every value of the page; NOT_RUN where nothing was measured."""
    found, bf16 = _found(r.bench), _found(r.bench_bf16)
    texts = {f"speed_{key}": found.get(key, NOT_RUN) for key in _KEYS}
    bf16_texts = {f"speed_bf16_{key}": bf16.get(key, NOT_RUN) for key in _BF16_KEYS}
    return recorded(texts, str(PATH)) | recorded(bf16_texts, str(BF16_PATH))


def _found(bench: Record) -> Texts:
    """Everything that one record says."""
    if not bench.measured:
        return {}
    return _set_up(bench) | _steps(bench) | _quality(bench) | _metrics(bench)


def _set_up(bench: Record) -> Texts:
    machine, plan = bench.sections["machine"], bench.sections["plan"]
    left_out = bench.sections["left_out"]
    versions = bench.sections["versions"]
    return {
        "machine": str(machine["processor"]),
        "cores": fmt(int(machine["cores"])),
        "vector_units": str(machine["vector_units"]),
        "bfloat16": "with" if machine["bfloat16_units"] else "without",
        "load": fmt(float(machine["load"])),
        "clock": CLOCKS[bench.clock],
        "threads": fmt(int(plan["n_threads"])),
        "rounds": fmt(int(plan["rounds"])),
        "batch": fmt(int(plan["batch_size"])),
        "k": fmt(int(plan["k"])),
        "d_in": fmt(int(plan["d_in"])),
        "width": fmt(bench.width),
        "batch_width": fmt(int(plan["batch_width"])),
        "left_out": "; ".join(each.split("\n")[0] for each in left_out) or "nothing",
        "torch": str(machine["torch"]),
        "sae_lens": versions.get("sae-lens", NOT_RUN),
        "dictionary_learning": versions.get("dictionary-learning", NOT_RUN),
        "sparsify": versions.get("eai-sparsify", NOT_RUN),
    }


def _steps(bench: Record) -> Texts:
    """The extremes over architectures and widths of what the fastest peer takes, and ours."""
    ratio, steps = f"{bench.clock}_ratio", bench.by_width
    main = bench.main
    ours = main.loc[main["contender"] == OURS]
    tokens = ours["batch_size"] / ours[f"{bench.clock}_seconds"]
    plain = steps.loc[steps["contender"] == PLAIN, ratio]
    product = main.loc[main["contender"] == PRODUCT, ratio]
    found = _widest(bench) | {
        "tokens_low": fmt(int(tokens.min())),
        "tokens_high": fmt(int(tokens.max())),
        "plain": between(float(plain.min()), float(plain.max())),
        "product_share": between(float(product.min()), float(product.max()), "%", digits=2),
    }
    fastest = bench.fastest().sort_values(ratio)
    if fastest.empty:
        return found
    return found | {
        "smallest": _ratio(fastest.iloc[0].to_dict(), ratio),
        "largest": _ratio(fastest.iloc[-1].to_dict(), ratio),
        "memory": _memory(bench),
    }


def _widest(bench: Record) -> Texts:
    """What our step takes at the widest dictionary that was measured."""
    rows = bench.by_width
    rows = rows.loc[(rows["d_sae"] == rows["d_sae"].max()) & (rows["contender"] == OURS)]
    tokens = rows["batch_size"] / rows[f"{bench.clock}_seconds"]
    return {
        "widest": fmt(int(rows["d_sae"].max())),
        "widest_batch": fmt(int(rows["batch_size"].max())),
        "widest_timed": of(len(set(rows["arch"])), len(set(bench.by_width["arch"]))),
        "widest_ours": between(int(tokens.min()), int(tokens.max())),
    }


def _ratio(row: dict, ratio: str) -> str:
    """A ratio with who and what it is of."""
    where = f"{ARCHITECTURES[row['arch']]} at {fmt(int(row['d_sae']))} latents"
    return f"{fmt(float(row[ratio]))} ({row['contender']}, {where})"


def _memory(bench: Record) -> str:
    """At how many architectures and widths our peak is below that of every peer."""
    peaks: dict[tuple[str, int], dict[str, int]] = {}
    for row in bench.by_width.to_dict("records"):
        if row["contender"] not in (PLAIN, PRODUCT, MEMORY):
            peaks.setdefault((row["arch"], row["d_sae"]), {})[row["contender"]] = row["peak_bytes"]
    compared = [peak for peak in peaks.values() if len(peak) > 1]
    below = [peak[OURS] == min(peak.values()) for peak in compared]
    return of(sum(below), len(compared))


def _quality(bench: Record) -> Texts:
    """The largest differences of explained variance from ours at the same L0 and seed."""
    if bench.quality.empty:  # a benchmark that was stopped before
        return {}
    gaps = bench.quality_gaps()
    plain = [abs(gap) for name, gap in gaps if name == PLAIN]
    peers = [gap for name, gap in gaps if name != PLAIN]
    noise = _between_seeds(bench)
    plan = bench.sections["plan"]
    return {
        "plain_quality_gap": fmt(max(plain), digits=1),
        "quality_noise": fmt(noise, digits=1),
        "quality_within": "less" if max(plain) < noise else "not less",
        "quality_seeds": fmt(int(plan["quality_seeds"])),
        "quality_gap": fmt(max(peers), digits=2) if peers else NOT_RUN,
        "quality_inputs": fmt(int(plan["quality_steps"] * plan["quality_batch_size"])),
    }


def _between_seeds(bench: Record) -> float:
    """How far the plain step's explained variance reaches over seeds; the smallest range of all."""
    plain = bench.quality.loc[bench.quality["contender"] == PLAIN]
    values = plain.groupby("arch")["explained_variance"]
    return float((values.max() - values.min()).min())


def _metrics(bench: Record) -> Texts:
    """Explained variance of an x_hat that is off by a constant, here and where it is forgiven."""
    if bench.metrics.empty:
        return {}
    rows = bench.metrics.set_index(["condition", "metric"])
    row = rows.loc[("x̂ off by a constant", "explained_variance")]
    return {
        "offset_ours": fmt(float(row[OURS])),
        "offset_dictionary_learning": fmt(float(row["dictionary_learning"])),
    }
