"""Tables of the page on speed: ratios, memory, quality, metrics of the same name."""

import math
from collections.abc import Callable

import pandas as pd
from IPython.display import Markdown

from superposition.benchmarks.record import MEMORY, OURS, PLAIN, PRODUCT, SAELENS, Record
from superposition.charts.benchmarks import ARCHITECTURES, NAMES
from superposition.values import between, fmt

MISSING = "Nothing was measured on this machine yet: `make bench` does it."
MISSING_BF16 = "Nothing was measured on such a processor yet: `make bench` does it there."
MISSING_ON_GPU = (
    "Nothing was measured on a GPU yet: where there is one, "
    "`python -m superposition.benchmarks autoencoders --device cuda` does it."
)
METRICS = {
    "explained_variance": "explained variance",
    "explained_variance_legacy": "explained variance, SAELens' older one",
    "loss_recovered": "loss recovered",
}


def shown(record: Record, make: Callable[[], Markdown], missing: str = MISSING) -> Markdown:
    """What `make` gives, or a sentence where nothing was measured yet."""
    return make() if record.measured else Markdown(missing)


def shown_bf16(record: Record, make: Callable[[], Markdown]) -> Markdown:
    """What `make` gives, or a sentence where no processor with bfloat16 units was measured yet."""
    return shown(record, make, MISSING_BF16)


def shown_on_gpu(record: Record, make: Callable[[], Markdown]) -> Markdown:
    """What `make` gives, or a sentence where nothing was measured on a GPU yet."""
    return shown(record, make, MISSING_ON_GPU)


def ratios(record: Record) -> pd.DataFrame:
    """For every architecture and width: the fastest peer, and how many times as long it takes."""
    ratio, rows = f"{record.clock}_ratio", []
    steps = record.by_width.set_index(["arch", "d_sae", "contender"])
    for peer in record.fastest().to_dict("records"):
        key = (peer["arch"], peer["d_sae"])
        share = float(steps.loc[(*key, PRODUCT), ratio])
        rows.append(
            {
                "architecture": ARCHITECTURES[peer["arch"]],
                "latents": int(peer["d_sae"]),
                "inputs a step": int(peer["batch_size"]),
                "fastest peer": f"{peer['contender']}, {peer['setting']}",
                "times ours": fmt(float(peer[ratio])),
                "quartiles": between(float(peer[f"{ratio}_low"]), float(peer[f"{ratio}_high"])),
                "plain step, times ours": fmt(float(steps.loc[(*key, PLAIN), ratio])),
                "encoder product's share of ours": fmt(share, "%", digits=2),
            }
        )
    return pd.DataFrame(rows)


def on_gpu(record: Record) -> pd.DataFrame:
    """For every architecture, width and batch size: our step, SAELens' at best, the plain one."""
    ratio, rows = f"{record.clock}_ratio", []
    keys = ["arch", "d_sae", "batch_size"]
    for _, group in record.steps.groupby(keys, sort=False):
        by = {row["contender"]: row for row in group.to_dict("records")}
        ours, peer, plain = by[OURS], by.get(SAELENS), by.get(PLAIN)
        seconds = float(ours[f"{record.clock}_seconds"])
        share = ours.get("product_share", math.nan)
        rows.append(
            {
                "architecture": ARCHITECTURES[ours["arch"]],
                "latents": int(ours["d_sae"]),
                "inputs a step": int(ours["batch_size"]),
                "ours, ms": fmt(1e3 * seconds),
                "inputs per second": fmt(int(ours["batch_size"] / seconds), "million"),
                f"{SAELENS}, times ours": fmt(float(peer[ratio])) if peer else "–",
                f"{SAELENS}' fastest setting": peer["setting"].split(" (")[0] if peer else "–",
                "plain step, times ours": fmt(float(plain[ratio])) if plain else "–",
                f"peak memory, ours; {SAELENS}'": "; ".join(
                    fmt(int(each["peak_bytes"]), "B") if each else "–" for each in (ours, peer)
                ),
                "product's share of the best rate": "–" if share != share else fmt(share, "%"),
            }
        )
    return pd.DataFrame(rows)


def memory(record: Record) -> pd.DataFrame:
    """Peak memory of a step at the main width, beyond what a process holds before."""
    steps = record.main
    steps = steps.loc[~steps["contender"].isin([PRODUCT, MEMORY])]
    rows = []
    for arch, group in steps.groupby("arch", sort=False):
        peaks = dict(zip(group["contender"], group["peak_bytes"], strict=True))
        shown = {NAMES.get(name, name): fmt(int(peak), "B") for name, peak in peaks.items()}
        rows.append({"architecture": ARCHITECTURES[str(arch)]} | shown)
    return pd.DataFrame(rows)


def quality(record: Record) -> pd.DataFrame:
    """What everyone learned from the same inputs, first weights and learning rate.

    Means over seeds; the difference from ours is over the seeds that a contender has.
    """
    if record.quality.empty:  # a benchmark that was stopped before
        return pd.DataFrame(columns=["architecture", "contender", "explained variance"])
    table, keys = record.quality, ["arch", "seed"]
    ours = table.loc[table["contender"] == OURS].set_index(keys)["explained_variance"]
    known = ours.loc[pd.MultiIndex.from_frame(pd.DataFrame(table[keys]))].to_numpy()
    table = table.assign(less_ours=table["explained_variance"] - known)
    groups = table.groupby(["arch", "contender"], sort=False)
    means = groups[["l0", "explained_variance", "less_ours"]].mean()
    table = pd.DataFrame(means).reset_index()
    table["seeds"] = groups.size().to_numpy()
    columns = {
        "architecture": [ARCHITECTURES[arch] for arch in table["arch"]],
        "contender": [NAMES.get(name, name) for name in table["contender"]],
        "seeds": table["seeds"],
        "L0": [fmt(float(value)) for value in table["l0"]],
        "explained variance": [fmt(float(x), digits=4) for x in table["explained_variance"]],
        "less ours": [fmt(float(x), digits=2) for x in table["less_ours"]],
    }
    return pd.DataFrame(columns)


def metrics(record: Record) -> pd.DataFrame:
    """Metrics of the same name on the same tensors; what a peer does not have is left empty."""
    names = [name for name in record.metrics.columns if name not in ("condition", "metric", OURS)]
    rows = []
    for row in record.metrics.to_dict("records"):
        shown = {"ours": row.get(OURS)} | {name: row[name] for name in names}
        rows.append(
            {"tensors": row["condition"], "metric": METRICS[row["metric"]]}
            | {name: _four_digits(value) for name, value in shown.items()}
        )
    return pd.DataFrame(rows)


def _four_digits(value: float | None) -> str:
    return "–" if value is None or value != value else fmt(float(value), digits=4)
