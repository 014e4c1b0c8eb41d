"""Tables for the figures of geometry and learning: models become nodes, edges and courses."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from superposition.artefacts import Runs, Toy
from superposition.claims.measures_geometry import curve, features_per_dimension, like_best
from superposition.claims.measures_learning import energy_levels, learning_stages, set_points
from superposition.results import Results
from superposition.toy import dynamics, graphs, stages
from superposition.toy.theory import polytopes

MAX_EDGES = 150
"""Strongest edges that are drawn of one model; more only make a drawing dark."""
N_DROPPED = 6
"""Features that end unlearned and are drawn among the others."""
N_STEPS = 60
"""Steps that a slider over the training has."""


class Graph(NamedTuple):
    """A drawing of models as graphs."""

    nodes: pd.DataFrame
    """group, feature, x, y, dimensionality, shape, size, dimensions."""
    edges: pd.DataFrame
    """group, x, y, x2, y2, product."""


class Course(NamedTuple):
    """The way of one model through the training."""

    features: pd.DataFrame
    """step, feature, and what is drawn of it."""
    model: pd.DataFrame
    """step, loss, and what is drawn of the whole model."""


def d_star(toy: Toy) -> pd.DataFrame:
    """Hidden dimensions per learned feature: seed, feature_probability, d_star."""
    x, values = curve(toy)
    seed, density = np.indices(values.shape)
    columns = {
        "seed": seed.ravel(),
        "feature_probability": np.exp(-x)[density.ravel()],
        "d_star": values.ravel(),
    }
    return pd.DataFrame(columns)


def dimensionalities(toy: Toy) -> pd.DataFrame:
    """The represented features of the best model at each density, with the shape they are part of.

    Columns: feature_probability, feature, dimensionality, shape, size, dimensions.
    """
    parts = [_nodes(toy.at(p)) for p in toy.densities]
    found = pd.concat(parts, ignore_index=True)
    return found.rename(columns={"group": "feature_probability"}).drop(columns=["x", "y"])


def graph(toy: Toy) -> Graph:
    """The best model at each density as a graph; groups are densities."""
    found = [(_nodes(runs), runs) for runs in (toy.at(p) for p in toy.densities)]
    nodes = [nodes for nodes, _ in found]
    edges = [_edges(nodes, runs.W[0]) for nodes, runs in found]
    return Graph(pd.concat(nodes, ignore_index=True), pd.concat(edges, ignore_index=True))


def ideal_shapes() -> Graph:
    """The ideal polytopes as graphs; groups are their names."""
    nodes, edges = [], []
    for name, ideal in polytopes().items():
        W = ideal.vertices.numpy()
        drawn = _drawn(W, dynamics.dimensionality(W), name)
        nodes.append(drawn)
        edges.append(_edges(drawn, W))
    return Graph(pd.concat(nodes, ignore_index=True), pd.concat(edges, ignore_index=True))


def sizes(r: Results, rows: tuple[str, ...], densities: tuple[float, ...]) -> pd.DataFrame:
    """Features learned for each dimension by models of different sizes, each random start.

    Columns: row, n_features, d_hidden, feature_probability, seed, features_per_dimension.
    """
    parts = []
    for row in (row for row in rows if row in r.rows("toy")):
        toy = r.toy(row)
        n_features, d_hidden = toy.weights["W"].shape[1:]
        for p in densities:
            values = features_per_dimension(toy, p)
            columns = {"row": row, "n_features": n_features, "d_hidden": d_hidden}
            measured = {"seed": np.arange(len(values)), "features_per_dimension": values}
            parts.append(pd.DataFrame(columns | {"feature_probability": p} | measured))
    return pd.concat(parts, ignore_index=True)


def starts(r: Results, rows: tuple[str, ...]) -> pd.DataFrame:
    """How many random starts reach the geometry of the best one.

    Columns: row, n_features, d_hidden, feature_probability, n_best, n_starts, share.
    """
    parts = []
    for row in (row for row in rows if row in r.rows("toy")):
        for p in r.toy(row).densities:
            runs = r.toy(row).at(p)
            n_best, n = int(like_best(runs.W).sum()), len(runs.W)
            size = dict(zip(("n_features", "d_hidden"), runs.W.shape[1:], strict=True))
            counts = {"n_best": n_best, "n_starts": n, "share": n_best / n}
            parts.append({"row": row, "feature_probability": p} | size | counts)
    return pd.DataFrame(parts)


def levels(toy: Toy) -> Course:
    """Dimensionalities and loss of the best model over the training.

    Features that end represented, and a few that do not. Columns: step, feature, dimensionality;
    step, loss, jumps (in the window before).
    """
    best = min(energy_levels(toy), key=lambda one: one.loss[-1])
    order = np.argsort(-best.D[-1], kind="stable")
    n_kept = int((best.D[-1] > dynamics.JUMP).sum()) + N_DROPPED
    step, feature = np.meshgrid(best.steps, order[:n_kept], indexing="ij")
    columns = {"step": step.ravel(), "feature": feature.ravel()}
    columns["dimensionality"] = best.D[:, order[:n_kept]].ravel()
    jumps = np.zeros(len(best.steps), dtype=int)
    jumps[dynamics.windows(best.steps)[1:]] = best.n_jumps
    model = pd.DataFrame({"step": best.steps, "loss": best.loss, "jumps": jumps})
    return Course(pd.DataFrame(columns), model)


def learning(toy: Toy, p: float) -> Course:
    """Features of one model seen along its last axis of symmetry, and its cosines, over steps.

    The model is the best one that passes the stages in order, or else the best one. Columns: step,
    feature, set, x, y; step, loss, within, between, partner.
    """
    runs, ends, snapshots = toy.at(p), learning_stages(toy, p), toy.snapshots
    chosen = int((ends.octahedron & ends.in_order).argmax())
    W, b = (one[:, runs.instance[chosen]] for one in (snapshots.W, snapshots.b))
    shown = np.unique(np.linspace(0, len(W) - 1, N_STEPS).round().astype(int))
    course, flat = stages.courses(W), stages.aligned_projection(W)[shown]
    step, feature = np.meshgrid(snapshots.steps[shown], np.arange(W.shape[1]), indexing="ij")
    columns = {"step": step.ravel(), "feature": feature.ravel()}
    columns["set"] = 1 + 2 * feature.ravel() // W.shape[1]
    columns |= {"x": flat[..., 0].ravel(), "y": flat[..., 1].ravel()}
    loss = dynamics.losses(W, b, set_points(runs.feature_probability, n_features=W.shape[1]))
    model = pd.DataFrame({"step": snapshots.steps, "loss": loss} | course._asdict())
    return Course(pd.DataFrame(columns), model.iloc[shown].reset_index(drop=True))


def _nodes(runs: Runs) -> pd.DataFrame:
    return _drawn(runs.W[0], runs.dimensionality[0], runs.feature_probability)


def _drawn(
    W: Float[np.ndarray, "feature d_hidden"],
    dimensionality: Float[np.ndarray, " feature"],
    group: float | str,
) -> pd.DataFrame:
    """The nodes of one model's graph, in a square from 0 to 1."""
    parts = graphs.components(W, dimensionality)
    places = graphs.layout(W, parts)
    xy = np.array([(place.x, place.y) for place in places]).reshape(-1, 2)
    if len(xy):
        size = np.ptp(xy, axis=0)
        xy = 0.5 + (xy - xy.min(axis=0) - size / 2) / max(float(size.max()), 1.0)
    feature = np.array([place.feature for place in places], dtype=int)
    own = [parts[place.component] for place in places]
    columns = {
        "group": group,
        "feature": feature,
        "x": xy[:, 0].round(3),
        "y": xy[:, 1].round(3),
        "dimensionality": dimensionality[feature].astype(float).round(4),
        "shape": [part.shape for part in own],
        "size": [len(part.features) for part in own],
        "dimensions": [round(part.dimensions, 3) for part in own],
    }
    return pd.DataFrame(columns)


def _edges(nodes: pd.DataFrame, W: Float[np.ndarray, "feature d_hidden"]) -> pd.DataFrame:
    """The strongest edges between the nodes, the weakest of them first."""
    feature = nodes["feature"].to_numpy()
    products = W[feature] @ W[feature].T
    first, second = np.triu_indices(len(feature), 1)
    strength = np.abs(products[first, second])
    order = np.argsort(strength, kind="stable")[-MAX_EDGES:]
    order = order[strength[order] > graphs.EDGE]
    first, second = first[order], second[order]
    x, y = nodes["x"].to_numpy(), nodes["y"].to_numpy()
    columns = {
        "group": nodes["group"].iloc[0] if len(nodes) else 0,
        "x": x[first],
        "y": y[first],
        "x2": x[second],
        "y2": y[second],
        "product": products[first, second].astype(float).round(3),
    }
    return pd.DataFrame(columns)
