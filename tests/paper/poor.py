"""Made-up results in which something is missing that the chapters speak of."""

from pathlib import Path

import numpy as np
import yaml
from tests.claims import interpretability_world
from tests.paper.synthetic import SCALE

from superposition.benchmarks import record
from superposition.core.params import Params
from superposition.core.store import Store
from superposition.features import concept_tables
from superposition.results import Results

WITHOUT_PARSER = ("English", "pattern", "planted", "piece")
"""Groups of concepts that need no parser."""


def without_code(project: Path) -> None:
    """A text of which no document is Python: concepts of code occur nowhere."""
    store = Store(scale=SCALE, root=project)
    catalogue = store.load_table("concepts", "catalogue.parquet")
    absent = ~catalogue["group"].isin(WITHOUT_PARSER)
    catalogue.loc[absent, ["n_tokens", "share", "token_f1"]] = 0
    catalogue["judged"] &= ~absent
    store.save_table(catalogue, "concepts", "catalogue.parquet")
    metrics = store.load_json("concepts", "metrics.json")
    none = {"documents_parsed": 0, "documents_refused": 0, "refused": [], "refused_for": {}}
    store.save_json(metrics | none, "concepts", "metrics.json")
    _keep_judged(store)


def without_concepts(project: Path) -> None:
    """A text too short for any concept to be judged, planted ones included."""
    store = Store(scale=SCALE, root=project)
    catalogue = store.load_table("concepts", "catalogue.parquet")
    store.save_table(catalogue.assign(judged=False), "concepts", "catalogue.parquet")
    _keep_judged(store)
    r = Results.read(root=project)
    for row in r.rows("contexts"):
        for name in ("concepts", "groups"):
            _empty(store, "contexts", row, f"{name}.parquet")
    for row in r.rows("causal"):
        for name in ("ablation", "curves", "pinning", "samples"):
            _empty(store, "causal", row, f"{name}.parquet")


def without_live_latents(project: Path, row: str) -> None:
    """An autoencoder whose latents are all dead."""
    store = Store(scale=SCALE, root=project)
    latents = store.load_table("evaluation", row, "latents.parquet")
    latents = latents.assign(density=0.0, max_activation=0.0)
    store.save_table(latents, "evaluation", row, "latents.parquet")
    metrics = store.load_json("evaluation", row, "metrics.json")
    n = len(latents)
    dead = {"d_sae": n, "dead": n, "dead_fraction": 1.0, "l0": 0.0, "over_one_percent": 0}
    store.save_json(metrics | dead, "evaluation", row, "metrics.json")
    for name in ("latents", "examples", "logits", "neurons"):
        _empty(store, "features", row, f"{name}.parquet")
    _explain_nothing(store, row)
    _dead_in_the_atlas(store, row)
    _without_causes(store, row)


def without_verdicts(project: Path) -> None:
    """Claims none of which was run at this scale."""
    store = Store(scale=SCALE, root=project)
    nothing = {"measured": None, "interval": None, "verdict": "not run at this scale"}
    records = [each | nothing for each in store.load_json("claims.json")]
    store.save_json(records, "claims.json")


def without_benchmarks(project: Path) -> None:
    """A machine on which speed was never measured."""
    (project / record.PATH).unlink()
    (project / record.BF16_PATH).write_text("{}", encoding="utf-8")
    (project / record.GPU_PATH).write_text("{}", encoding="utf-8")


def only(project: Path, *pages: str) -> None:
    """Leave the site no other pages."""
    tree = yaml.safe_load((project / "_quarto.yml").read_text("utf-8"))
    paths = [f"paper/{page}.qmd" for page in pages]
    tree["project"]["render"] = tree["website"]["sidebar"]["contents"] = paths
    (project / "_quarto.yml").write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")


def _keep_judged(store: Store) -> None:
    """Take the concepts that are not judged out of what was measured with them."""
    catalogue = store.load_table("concepts", "catalogue.parquet")
    judged = catalogue.loc[catalogue["judged"]].reset_index(drop=True)
    params = Params.read(root=store.root)
    for row in params.rows("interpretability"):
        tables = interpretability_world.dictionary(concepts=judged)
        if judged.empty:
            tables["matches"] = tables["matches"].assign(concept=-1, base_rate=0.0, f1=0.0, mcc=0.0)
            found = (tables[name] for name in ("units", "matches", "concepts"))
            tables["shares"] = concept_tables.shares(*found, seed=0)
        interpretability_world.save(store, row, tables)
    for row in params.rows("probes"):
        store.save_table(
            interpretability_world.probes(0.6, judged), "probes", row, "probes.parquet"
        )


def _explain_nothing(store: Store, row: str) -> None:
    tables = {
        name: store.load_table("interpretability", row, f"{name}.parquet")
        for name in ("units", "matches", "concepts", "deciles")
    }
    nothing = dict.fromkeys(("precision", "recall", "f1", "mcc"), 0.0)
    tables["units"] = tables["units"].assign(density=0.0, judged=False, single_token_share=0.0)
    tables["matches"] = tables["matches"].assign(concept=-1, base_rate=0.0, **nothing)
    few = {"equal_units_score": 0.0, "equal_units_covered": 0.0}
    tables["concepts"] = tables["concepts"].assign(**nothing, **few)
    tables["deciles"] = tables["deciles"].assign(n_active=0, precision=np.nan)
    found = (tables[name] for name in ("units", "matches", "concepts"))
    tables["shares"] = concept_tables.shares(*found, seed=0)
    for name, table in tables.items():
        store.save_table(table, "interpretability", row, f"{name}.parquet")
    metrics = store.load_json("interpretability", row, "metrics.json")
    none = {"n_judged_units": 0, "single_token_units": 0.0}
    store.save_json(metrics | none, "interpretability", row, "metrics.json")


def _dead_in_the_atlas(store: Store, row: str) -> None:
    if not store.path("atlas", row, "units.parquet").exists():
        return
    units = store.load_table("atlas", row, "units.parquet")
    zeros = dict.fromkeys(
        ("n_active", "density", "max_activation", "mean_activation", "n_cases"), 0
    )
    units = units.assign(**zeros, effect=np.nan, effect_error=np.nan)
    for name in ("histogram", "top_token_shares", "top_tokens"):
        units[name] = [each[:0] if name != "histogram" else each * 0 for each in units[name]]
    store.save_table(units, "atlas", row, "units.parquet")
    _empty(store, "atlas", row, "examples.parquet")
    metrics = store.load_json("atlas", row, "metrics.json")
    store.save_json(metrics | {"n_live": 0}, "atlas", row, "metrics.json")


def _without_causes(store: Store, row: str) -> None:
    """No latent to test in context, to intervene on or to score."""
    for stage, names in {"contexts": ("concepts", "groups"), "causal": _CAUSAL}.items():
        for name in names:
            _empty(store, stage, row, f"{name}.parquet")
    if store.path("consistency", row, "units.parquet").exists():
        units = store.load_table("consistency", row, "units.parquet")
        kept = units.loc[units["kind"] != "latent"]
        store.save_table(kept, "consistency", row, "units.parquet")


_CAUSAL = ("ablation", "curves", "pinning", "samples", "intervals")


def _empty(store: Store, *place: str) -> None:
    if store.path(*place).exists():
        store.save_table(store.load_table(*place).iloc[:0], *place)
