"""The charts and values of the sample page."""

import altair as alt
import numpy as np
import pandas as pd

from superposition.core.params import Params
from superposition.core.store import Store
from superposition.results import Results
from superposition.site.figures import PALETTE

FEATURES = 5


def nothing_run() -> Results:
    """Nothing was run: every figure is computed here."""
    return Results(params=Params(tree={"scale": "smoke"}, origin="nowhere"), store=Store("smoke"))


def count() -> int:
    """How many features."""
    return FEATURES


def share() -> str:
    """A value as the prose wants it: formatted."""
    return "63.2% [of all]"


def points() -> alt.TopLevelMixin:
    """Five directions, with a slider."""
    angle = np.arange(FEATURES) * 2 * np.pi / FEATURES
    frame = pd.DataFrame(
        {
            "feature": np.arange(FEATURES),
            "x": np.cos(angle),
            "y": np.sin(angle),
            "zero": 0.0,
            "text": ["`</script><b>{{< x >}}"] * FEATURES,
        }
    )
    limit = alt.param(
        name="shown", value=5, bind=alt.binding_range(min=1, max=5, step=1, name="features shown ")
    )
    base = alt.Chart(frame).transform_filter("datum.feature < shown").add_params(limit)
    x = alt.X("x:Q", scale=alt.Scale(domain=[-1.4, 1.4]), title="first hidden dimension")
    y = alt.Y("y:Q", scale=alt.Scale(domain=[-1.2, 1.2]), title="second hidden dimension")
    rules = base.mark_rule(strokeWidth=2, color=PALETTE["feature"].light).encode(
        x=x, y=y, x2="zero", y2="zero"
    )
    dots = alt.Chart(frame).mark_point(size=90, color=PALETTE["feature"].light)
    dots = dots.transform_filter("datum.feature < shown").encode(
        x=x, y=y, tooltip=["feature:O", "text"]
    )
    return alt.layer(rules, dots, title="Five features become a pentagon").properties(height=340)


def lines() -> alt.TopLevelMixin:
    """Lines with a direct label and a theory curve."""
    rng = np.random.default_rng(0)
    s = np.linspace(0, 0.99, 40)
    frames = [
        pd.DataFrame({"sparsity": s, "norm": s**k + rng.normal(0, 0.01, 40), "series": name})
        for name, k in (
            ("feature", 1),
            ("latent", 2),
            ("neuron", 4),
            ("published", 3),
            ("control", 9),
        )
    ]
    frame = pd.concat(frames)
    names = [name for name in PALETTE if name != "theory"]
    scale = alt.Scale(domain=names, range=[PALETTE[name].light for name in names])
    line = (
        alt.Chart(frame)
        .mark_line()
        .encode(
            x=alt.X("sparsity:Q", title="sparsity S"),
            y=alt.Y("norm:Q", title="norm of the direction"),
            color=alt.Color("series:N", scale=scale, title=None),
        )
    )
    theory = pd.DataFrame({"sparsity": s, "norm": s**1.5})
    curve = alt.Chart(theory).mark_line(strokeDash=[5, 4], color=PALETTE["theory"].light)
    curve = curve.encode(x="sparsity:Q", y="norm:Q")
    return alt.layer(line, curve, title="Sparse features are kept").properties(height=300)


def pair() -> alt.TopLevelMixin:
    """Two panels that stand below one another on a phone."""
    rng = np.random.default_rng(1)
    density = pd.DataFrame({"density": rng.normal(-3, 1, 400)})
    bars = alt.Chart(density, width=380, height=260).mark_bar()
    bars = bars.encode(
        x=alt.X("density:Q", bin=alt.Bin(maxbins=30), title="log₁₀ density"), y="count()"
    )
    i, j = np.meshgrid(np.arange(FEATURES), np.arange(FEATURES))
    gram = pd.DataFrame({"i": i.ravel(), "j": j.ravel()})
    gram["value"] = np.cos((gram.i - gram.j) * 2 * np.pi / FEATURES)
    grid = alt.Chart(gram, width=280, height=260).mark_rect()
    grid = grid.encode(x="i:O", y="j:O", color=alt.Color("value:Q", scale=alt.Scale(domainMid=0)))
    return alt.hconcat(bars, grid, title="Densities and overlaps")


def results() -> pd.DataFrame:
    """A table with every kind of cell."""
    return pd.DataFrame(
        {
            "claim": ["[intro](second.qmd)", "a | b"],
            "verdict": ["[replicated]{.verdict .replicated}", "[partly]{.verdict .partly}"],
            "tokens": [12_000_000, 5],
            "loss": [3.14159, float("nan")],
        }
    )
