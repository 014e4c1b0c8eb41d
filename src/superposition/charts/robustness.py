"""Figures of attacks on toy models, of training under attack, and of compressed sensing."""

import altair as alt
import numpy as np
import pandas as pd

from superposition.charts.parts import (
    CONTROL,
    FEATURE,
    LATENT,
    NEURON,
    PUBLISHED,
    SIGNED,
    THEORY,
    groups,
    layered,
    numbers,
    ranked_densities,
    slider,
    sparser_to_the_right,
    words,
)

_ATTACKS = {
    "feature": "worst on a feature",
    "gradient": "gradient ascent",
    "random": "random direction",
}
_PROBABILITY = alt.Tooltip("feature_probability", title="feature probability", format=".2~g")


def profile(profiles: pd.DataFrame) -> alt.Chart:
    """The attack on one feature, input by input, the largest changes first; a slider sets p."""
    ranked = ranked_densities(profiles.assign(number=profiles["rank"] + 1).round(4))
    position = slider(len(set(ranked["position"])), "dense to sparse")
    changed = "datum.change > 0"
    return (
        alt.Chart(ranked)
        .transform_filter("datum.position == position")
        .add_params(position)
        .mark_bar()
        .encode(
            x=alt.X(
                "number:O",
                title="input features, the most changed first",
                axis=alt.Axis(labelOverlap=True, labelAngle=0),
            ),
            y=alt.Y(
                "change:Q",
                title="change of the input, for an attack of norm 1",
                scale=alt.Scale(domain=[-1, 1]),
            ),
            color=alt.condition(changed, alt.value(SIGNED[-1]), alt.value(SIGNED[0])),
            tooltip=[alt.Tooltip("number", title="place"), _format("change"), _PROBABILITY],
        )
        .properties(
            height=260,
            title="Which inputs an attack on a single feature changes, by density",
            description=_describe_profile(profiles),
        )
    )


def vulnerability(attacks: pd.DataFrame) -> alt.LayerChart:
    """Vulnerability and features per dimension against density; both are 1 without superposition.

    Circles are random starts, lines join their means.
    """
    chosen = attacks.loc[attacks["attack"] == "feature"]
    measures = {
        "vulnerability": "vulnerability",
        "features_per_dimension": "features per dimension",
    }
    long = _long(chosen, measures)
    return _lines(
        long,
        x=sparser_to_the_right(),
        y=alt.Y("value:Q", title="times a model without superposition", scale=_log()),
        colours={"vulnerability": FEATURE, "features per dimension": NEURON},
    ).properties(
        height=320,
        title="As features become sparse and superposition forms, models become easier to attack",
        description=_describe_lines(long),
    )


def tracking(attacks: pd.DataFrame) -> alt.LayerChart:
    """Vulnerability against features per dimension; dashed, what it would be without the ReLU."""
    chosen = attacks.loc[attacks["attack"] == "feature"]
    columns = ["feature_probability", "seed", "features_per_dimension", "vulnerability"]
    features = numbers(chosen, "features_per_dimension")
    grid = np.geomspace(max(features.min(), 1e-3), max(features.max(), 2e-3), 20)
    limit = pd.DataFrame({"features_per_dimension": grid, "vulnerability": grid**2})
    x = alt.X("features_per_dimension:Q", title="features per dimension |W|²/m", scale=_log())
    y = alt.Y("vulnerability:Q", title="vulnerability", scale=_log())
    line = alt.Chart(limit).mark_line(color=THEORY, strokeDash=[5, 4]).encode(x=x, y=y)
    points = alt.Chart(chosen.loc[:, columns]).mark_point(filled=False, color=FEATURE, size=50)
    shown = [_PROBABILITY, "seed", _format("features_per_dimension"), _format("vulnerability")]
    r = np.corrcoef(features, numbers(chosen, "vulnerability"))[0, 1] if len(chosen) > 1 else 0.0
    return layered(line, points.encode(x=x, y=y, tooltip=shown)).properties(
        height=320,
        title="How vulnerable a model is follows from how many features share a dimension",
        description=f"Scatter plot of {len(chosen)} models; their correlation is {r:.3f}.",
    )


def kinds(attacks: pd.DataFrame) -> alt.LayerChart:
    """The harm of three kinds of attack against density; a click in the legend singles one out."""
    table = attacks.assign(measure=[_ATTACKS[kind] for kind in attacks["attack"]])
    columns = ["feature_probability", "seed", "measure", "value"]
    long = table.assign(value=table["vulnerability"]).loc[:, columns]
    return _lines(
        long,
        x=sparser_to_the_right(),
        y=alt.Y(
            "value:Q",
            title="vulnerability (symmetric log scale)",
            scale=alt.Scale(type="symlog", constant=0.1, domainMin=0, clamp=True),
        ),
        colours=dict(zip(_ATTACKS.values(), (FEATURE, NEURON, CONTROL), strict=True)),
    ).properties(
        height=320,
        title="How much harm three kinds of attack of the same length do",
        description=_describe_lines(long),
    )


def silence(attacks: pd.DataFrame) -> alt.LayerChart:
    """Where gradients vanish: outputs held at 0, and inputs without any gradient or harm."""
    chosen = attacks.loc[attacks["attack"] == "feature"]
    measures = {
        "silent_share": "outputs held at 0",
        "no_gradient_share": "inputs without gradient",
        "harmed_share": "inputs harmed by the attack",
    }
    long = _long(chosen, measures)
    return _lines(
        long,
        x=sparser_to_the_right(),
        y=alt.Y("value:Q", title="share", axis=alt.Axis(format="%")),
        colours=dict(zip(measures.values(), (CONTROL, NEURON, FEATURE), strict=True)),
    ).properties(
        height=280,
        title="When inputs are very sparse, most outputs are silent and give no gradient",
        description=_describe_lines(long),
    )


def training(instances: pd.DataFrame) -> alt.FacetChart:
    """Features per dimension after training under attacks of each norm, one panel for each shape.

    Circles are random starts, lines join their means; the dotted rule is the norm beyond which
    even a model without superposition does worse than no model.
    """
    kept = instances.loc[~instances["diverged"]]
    columns = ["row", "feature_probability", "attack_norm", "seed", "features_per_dimension"]
    columns += ["n_represented", "loss", "limit"]
    table = kept.loc[:, columns].assign(
        row=[words(row) for row in kept["row"]],
        density=[f"p = {p:.2g}" for p in kept["feature_probability"]],
    )
    densities = list(dict.fromkeys(table["density"]))
    colour = alt.Color(
        "density:N",
        title="density",
        scale=alt.Scale(domain=densities, range=[FEATURE, NEURON, LATENT, CONTROL]),
    )
    chosen = alt.selection_point(fields=["density"], bind="legend")
    x = alt.X("attack_norm:Q", title="norm of the attacks in training, relative to the input")
    y = alt.Y("features_per_dimension:Q", title="features per dimension |W|²/m")
    opacity = alt.condition(chosen, alt.value(0.8), alt.value(0.12))
    shown = ["row", "density", "attack_norm", "seed", _format("features_per_dimension")]
    shown += ["n_represented", _format("loss")]
    points = alt.Chart().mark_point(filled=False).encode(x=x, y=y, color=colour, opacity=opacity)
    means = (
        alt.Chart()
        .mark_line()
        .encode(
            x=x,
            y=alt.Y("mean(features_per_dimension):Q", title="features per dimension |W|²/m"),
            color=colour,
            opacity=opacity,
        )
    )
    one = alt.Chart().mark_rule(color=CONTROL).encode(y=alt.datum(1))
    limit = alt.Chart().mark_rule(color=THEORY, strokeDash=[2, 3]).encode(x="mean(limit):Q")
    panel = layered(one, limit, means, points.encode(tooltip=shown).add_params(chosen), data=table)
    return (
        panel.properties(width=290, height=280)
        .facet(alt.Facet("row:N", title=None, sort=list(dict.fromkeys(table["row"]))))
        .resolve_scale(y="independent")
        .properties(
            title="Training under attack takes superposition away, and then the features too",
            description=_describe_training(table),
        )
    )


def bound(instances: pd.DataFrame) -> alt.LayerChart:
    """Dimensions used over dimensions that theory asks for, -N p log p, against density."""
    kept = instances.loc[instances["bound"] > 0]
    ratio = kept["d_hidden"] / kept["bound"]
    long = _long(kept.assign(ratio=ratio), {"ratio": "dimensions over the bound"})
    return _lines(
        long,
        x=sparser_to_the_right(),
        y=alt.Y("value:Q", title="m / (−N p log p) (log scale)", scale=_log()),
        colours={"dimensions over the bound": FEATURE},
    ).properties(
        height=280,
        title="How many times the dimensions of the lower bound the models use",
        description=_describe_lines(long),
    )


def recovery(instances: pd.DataFrame) -> alt.LayerChart:
    """The errors of the model's decoder and of matching pursuit on the same hidden states."""
    measures = {"loss": "the model's decoder", "recovery_loss": "matching pursuit"}
    long = _long(instances, measures)
    long = long.loc[long["value"] > 0]
    return _lines(
        long,
        x=sparser_to_the_right(),
        y=alt.Y(
            "value:Q",
            title="mean squared error (log scale, at least 10⁻⁸)",
            scale=alt.Scale(type="log", domain=[1e-8, 1], clamp=True),
            axis=alt.Axis(format="~e"),
        ),
        colours=dict(zip(measures.values(), (FEATURE, PUBLISHED), strict=True)),
    ).properties(
        height=320,
        title="What a cleverer decoder reads from the same hidden layer, by density",
        description=_describe_lines(long),
    )


def _long(table: pd.DataFrame, measures: dict[str, str]) -> pd.DataFrame:
    """Columns feature_probability, seed, measure, value; `measures` names columns for readers."""
    keys = ["feature_probability", "seed"]
    parts = [
        table.loc[:, keys].assign(measure=name, value=table[column])
        for column, name in measures.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _lines(long: pd.DataFrame, *, x: alt.X, y: alt.Y, colours: dict[str, str]) -> alt.LayerChart:
    """A circle for each random start and a line through their means, by `measure`."""
    means = long.groupby(["measure", "feature_probability"], sort=False, as_index=False)["value"]
    chosen = alt.selection_point(fields=["measure"], bind="legend")
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    encoding = {
        "x": x,
        "y": y,
        "color": alt.Color("measure:N", title=None, scale=scale),
        "opacity": alt.condition(chosen, alt.value(0.85), alt.value(0.12)),
    }
    shown = ["measure", _PROBABILITY, "seed", _format("value")]
    lines = alt.Chart(means.mean()).mark_line().encode(**encoding)
    points = alt.Chart(long).mark_point(filled=False).encode(**encoding, tooltip=shown)
    return layered(lines, points.add_params(chosen))


def _log() -> alt.Scale:
    return alt.Scale(type="log", nice=False)


def _format(column: str) -> alt.Tooltip:
    return alt.Tooltip(column, title=words(column), format=".3~g")


def _describe_profile(profiles: pd.DataFrame) -> str:
    ends = [
        f"{numbers(rows, 'change').max():.2f} at p = {p:.2g}"
        for p, rows in groups(profiles, "feature_probability")
    ]
    return f"Bars of an attack's changes; the largest is {ends[0]} and {ends[-1]}."


def _describe_lines(long: pd.DataFrame) -> str:
    found = []
    for measure, rows in groups(long, "measure"):
        (low, first), *_, (high, last) = _means(rows, "feature_probability", "value") * 2
        found.append(f"{measure} {last:.2g} at p = {high:.2g} and {first:.2g} at p = {low:.2g}")
    return f"Lines by feature probability: {'; '.join(found)}."


def _describe_training(table: pd.DataFrame) -> str:
    found = []
    for row, rows in groups(table, "row"):
        (_, weakest), *_, (_, strongest) = _means(rows, "attack_norm", "features_per_dimension") * 2
        found.append(f"{row}: {weakest:.2g} without attacks, {strongest:.2g} under the strongest")
    return f"Features per dimension, mean over densities. {'; '.join(found)}."


def _means(rows: pd.DataFrame, axis: str, column: str) -> list[tuple[float, float]]:
    """The mean of a column at each value of `axis`, smallest value first."""
    places, values = numbers(rows, axis), numbers(rows, column)
    return [(float(at), float(values[places == at].mean())) for at in np.unique(places)]
