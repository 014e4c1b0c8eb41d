"""A whole tree of made-up results, enough to render every page: hostile text, no meaning."""

import inspect
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from tests.charts import relations_figures, toy_saes_figures
from tests.charts.benchmarks_figures import gpu_sections
from tests.charts.benchmarks_figures import sections as benchmark
from tests.charts.robustness_figures import attacks, recoveries, trained
from tests.charts.synthetic import frame
from tests.claims import interpretability_world, single_world
from tests.claims.sweep_world import points
from tests.site import atlas_world

from superposition.benchmarks import record
from superposition.claims import core
from superposition.core.params import Params
from superposition.core.store import Store
from superposition.language import tokens
from superposition.language.concepts.catalogue import CATALOGUE
from superposition.prose import language, resampling
from superposition.reference import comparison, files, making
from superposition.results import NGRAMS
from superposition.toy import tables, theory_tables
from superposition.toy.config import ToyConfig
from superposition.toy.memorisation_config import MemorisationConfig
from superposition.toy.theory_tables import TheoryConfig

ROOT = Path(__file__).parents[2]
SCALE = "laptop"
HOSTILE = (
    "</script><script>alert('x')</script> {{< include x >}} $\\frac$ **b** `c` | \u202e \x1b\n"
)
"""Text that must come out as text, wherever it lands."""
ROWS = {
    "toy": [*yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["toy"]],
    "toy_sae": ["no-resampling", "random-resampling", "loss-weighted-resampling"],
    "transformer": ["main", "second-seed", "shuffled"],
    "activations": ["main", "second-seed", "shuffled"],
    "sae": ["l1", "batch-topk", "batch-topk-second-model", "batch-topk-shuffled"],
}
COUNTS = ("n_", "instances", "dead", "d_sae", "d_in", "packages", "train_", "held_out_documents")
"""How the names of metrics begin that are counts."""


def write_project(folder: Path) -> Path:
    """The paper, its settings and made-up results of the laptop scale in `folder`."""
    shutil.copytree(ROOT / "paper", folder / "paper")
    for name in ("_quarto.yml", "dvc.yaml", "CITATION.cff"):
        shutil.copy(ROOT / name, folder)
    write_params(folder)
    store = Store(scale=SCALE, root=folder)
    write_results(store)
    making.make(folder, SCALE)
    store.save_json(_numbers(9.0), "ngrams", "metrics.json")  # differs from the reference run
    return folder


def write_params(folder: Path) -> None:
    """The repository's params.yaml, with every row that the pages name."""
    tree = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for section, rows in ROWS.items():
        tree[section] = {row: {} for row in rows} | tree.get(section, {})
    text = yaml.safe_dump(tree | {"scale": SCALE}, sort_keys=False)
    (folder / "params.yaml").write_text(text, encoding="utf-8")


def write_results(store: Store) -> None:
    """Every artefact that the pages read."""
    _text(store)
    write_concepts(store)
    for row in ROWS["toy"]:
        _toy(store, row)
    for row in ("uniform", "uniform-sparse"):
        store.save_table(attacks(), "robustness", row, "attacks.parquet")
        store.save_table(recoveries(), "sparse_recovery", row, "instances.parquet")
    for row in ("fifty-in-five", "twenty-in-ten"):
        store.save_table(trained(), "adversarial", row, "instances.parquet")
        weights = {"W": torch.ones(8, 5, 2), "b": torch.zeros(8, 5)}
        store.save_tensors(weights, "adversarial", row, "weights.safetensors")
    write_theory(store)
    _memorisation(store)
    store.save_table(_branches(), "perturbation", "branches.parquet")
    for row in ROWS["toy_sae"]:
        _toy_sae(store, row)
    _toy_comparisons(store)
    for row in ROWS["transformer"]:
        store.save_table(frame("transformer/history.csv", 5), "transformer", row, "history.csv")
        store.save_json(_numbers(3.2), "transformer", row, "metrics.json")
    for row in ROWS["sae"]:
        _sae(store, row)
    for row in Params.read(root=ROOT).rows("sweep"):
        _sweep(store, row)
    _relations(store)
    _interpretability(store)
    single_world.write_all(store)
    atlas_world.save(store)
    record.save(benchmark(), store.root / record.PATH)
    record.save(benchmark(bfloat16_units=True), store.root / record.BF16_PATH)
    record.save(gpu_sections(), store.root / record.GPU_PATH)
    records = [_record(claim, index) for index, claim in enumerate(core.all_claims())]
    store.save_json(records, "claims.json")
    _costs(store)


def _costs(store: Store) -> None:
    """Of every stage that has results: 12 seconds for its first row, nothing for others."""
    names = files.results(store, Params.read(root=store.root))
    seen = set()
    for title in sorted({comparison.title_of(name) for name in names}):
        stage, _, row = title.partition("@")
        cost = {"stage": stage, "row": row, "seconds": 0.0, "peak_bytes": 10**9}
        store.save_json(cost | {"seconds": 12.0 * (stage not in seen)}, "costs", f"{title}.json")
        seen.add(stage)


def _numbers(value: float) -> dict[str, float]:
    """Metrics among which is every one that those topics ask for, counts as whole numbers."""
    asking = inspect.getsource(resampling) + inspect.getsource(language)
    names = [*re.findall(r"\.([a-z]\w+)", asking), *NGRAMS]
    names += [f"loss_{name}" for name in ("clean", "sae", "zero_ablation", "mean_ablation")]
    return {name: 8 if name.startswith(COUNTS) else value for name in names}


def _text(store: Store) -> None:
    manifest = frame("text/manifest.parquet", 3, package=[HOSTILE, "b", "c"])
    store.save_table(manifest, "text", "manifest.parquet")
    for stage in ("text", "tokens", "ngrams"):
        store.save_json(_numbers(4.5), stage, "metrics.json")
    config = tokens.TokensConfig(vocab_size=300, sample_bytes=10_000, seed=0)
    tokenizer = tokens.train_tokenizer([HOSTILE * 5, "def f(x):\n    return x\n" * 20], config)
    store.save_text(tokenizer.to_str(), "tokens", "tokenizer.json")


def write_concepts(store: Store) -> None:
    """A catalogue with its real names and groups, counts made up."""
    n = len(CATALOGUE)
    table = frame(
        "concepts/catalogue.parquet",
        n,
        concept=np.arange(n),
        name=[concept.name for concept in CATALOGUE],
        group=[concept.group for concept in CATALOGUE],
        rule=[f"{concept.rule} {HOSTILE}" for concept in CATALOGUE],
        kind=[("context", "token")[index % 2] for index in range(n)],
        n_tokens=np.arange(n),
        share=np.linspace(0, 1, n),
        token_f1=np.linspace(0, 1, n),
        judged=np.arange(n) % 3 > 0,
    )
    store.save_table(table, "concepts", "catalogue.parquet")
    counts = ("documents", "documents_parsed", "documents_refused", "documents_without_parser")
    counts += ("concepts", "concepts_judged", "concepts_context", "concepts_token", "tokens")
    numbers = dict.fromkeys((*counts, "concepts_absent", "labels"), 7)
    words = {"refused": [f"a.py: {HOSTILE}"], "refused_for": {HOSTILE: 1}}
    store.save_json(numbers | words | {"labels_per_token": 7.5}, "concepts", "metrics.json")


def _toy(store: Store, row: str) -> None:
    """Models of the row's shape in all its conditions with random weights, two of each."""
    config = replace(Params.read(root=ROOT).load(ToyConfig, "toy", row), n_seeds=2)
    keys, generator = config.instances(), torch.Generator().manual_seed(0)
    shape = (len(keys), config.n_features, config.d_hidden)
    weights = {
        "W": torch.randn(shape, generator=generator) / config.d_hidden**0.5,
        "b": torch.zeros(shape[:2]),
    }
    if not config.tied:
        weights["W_out"] = weights["W"].clone()
    if config.hidden_bias:
        weights["b_hidden"] = torch.zeros(shape[0], shape[2])
    steps = torch.tensor([0, 10, config.n_steps] if config.n_snapshots else [], dtype=torch.int64)
    then = {name: weights[name].expand(len(steps), *weights[name].shape) for name in ("W", "b")}
    loss = torch.rand(shape[0], generator=generator)
    features = tables.feature_table(
        keys, weights["W"], weights["b"], importance=config.importance()
    )
    instances = tables.instance_table(keys, weights["W"], loss)
    history = tables.history_table(loss[:, None].repeat(1, 2), steps=[0, config.n_steps - 1])
    for name, table in {"features": features, "instances": instances, "history": history}.items():
        store.save_table(table, "toy", row, f"{name}.parquet")
    store.save_tensors(weights, "toy", row, "weights.safetensors")
    store.save_tensors({"steps": steps, **then}, "toy", row, "snapshots.safetensors")
    store.save_json(tables.summary(instances), "toy", row, "metrics.json")


def _memorisation(store: Store) -> None:
    """Models of every row's conditions with random losses; vectors where the row keeps them."""
    params = Params.read(root=ROOT)
    for row in params.rows("memorisation"):
        config = params.load(MemorisationConfig, "memorisation", row)
        team = config.models()
        keys = pd.DataFrame([*team])
        models = frame(
            "memorisation/models.parquet",
            len(team),
            **{name: keys[name] for name in keys},
            diverged=[index == 1 for index in range(len(team))],
        )
        n = len(team) * 6 if config.keep_vectors else 0
        index = np.tile(np.arange(6), n // 6)
        model = np.repeat(np.arange(n // 6), 6)
        features = frame("memorisation/features.parquet", n, model=model, feature=index)
        points = frame("memorisation/points.parquet", n, model=model, point=index)
        for name, table in {"models": models, "features": features, "points": points}.items():
            store.save_table(table, "memorisation", row, f"{name}.parquet")


def _branches() -> pd.DataFrame:
    """Two arrangements whose losses cross."""
    return frame(
        "perturbation/branches.parquet",
        6,
        relative_density=np.repeat([1.0, 0.4, 0.2], 2),
        branch=["pentagon", "digons"] * 3,
        loss=[1.0, 2.0, 1.0, 1.2, 1.0, 0.9],
        standard_error=np.full(6, 1e-3),
    )


def write_theory(store: Store) -> None:
    """The tables that need no training, on few samples and coarse grids."""
    config = replace(
        Params.read(root=ROOT).load(TheoryConfig, "theory"),
        n_samples=1_000,
        n_grid=5,
        n_weights=14,
        n_biases=5,
        linear_starts=2,
        linear_steps=10,
        set_samples=100,
        direct_samples=1_000,
        thomson_starts=2,
        thomson_steps=5,
    )
    for name, table in theory_tables.tables(config).items():
        store.save_table(table, "theory", f"{name}.parquet")


def _toy_sae(store: Store, row: str) -> None:
    recovery = frame(
        "toy_sae/recovery.parquet",
        20,
        instance=np.repeat(np.arange(4), 5),
        feature=np.tile(np.arange(5), 4),
    )
    store.save_table(recovery, "toy_sae", row, "recovery.parquet")
    history = frame("toy_sae/history.parquet", 8, instance=np.repeat([0, 1], 4))
    store.save_table(history, "toy_sae", row, "history.parquet")
    store.save_json(_numbers(0.9), "toy_sae", row, "metrics.json")
    directions = torch.randn(4, 5, 2, generator=torch.Generator().manual_seed(0))
    store.save_tensors({"W_dec": directions}, "toy_sae", row, "weights.safetensors")


def _toy_comparisons(store: Store) -> None:
    """Made-up tables of every comparison, with the variants of its row."""
    params = Params.read(root=ROOT)
    for row in params.rows("toy_comparison"):
        variants = [*params.value("toy_comparison", row)["variants"]]
        for name in ("instances", "trace", "latents"):
            table = getattr(toy_saes_figures, name)(*variants)
            store.save_table(table, "toy_comparison", row, f"{name}.parquet")
        features = toy_saes_figures.compared("features", variants, 2)
        store.save_table(features, "toy_comparison", row, "features.parquet")


def _interpretability(store: Store) -> None:
    """Dictionaries and probes that tell some of the judged concepts."""
    catalogue = store.load_table("concepts", "catalogue.parquet")
    judged = catalogue.loc[catalogue["judged"]].reset_index(drop=True)
    params = Params.read(root=ROOT)
    for index, row in enumerate(params.rows("interpretability")):
        tables = interpretability_world.dictionary(explained=0.5 + index / 20, concepts=judged)
        interpretability_world.save(store, row, tables)
    for row in params.rows("probes"):
        table = interpretability_world.probes(0.6, judged)
        store.save_table(table, "probes", row, "probes.parquet")


def _sae(store: Store, row: str) -> None:
    store.save_table(frame("sae/history.csv", 6), "sae", row, "history.csv")
    latents = frame("evaluation/latents.parquet", 30)
    store.save_table(latents, "evaluation", row, "latents.parquet")
    for stage in ("sae", "evaluation"):
        store.save_json(_numbers(0.8), stage, row, "metrics.json")
    for name, table in _exploration().items():
        store.save_table(table, "features", row, f"{name}.parquet")


def _relations(store: Store) -> None:
    """Comparisons of dictionaries, across models and widths, and of latents with each other."""
    made = relations_figures
    for row in Params.read(root=ROOT).rows("universality"):
        units = made.units(same_model=row in ("two-starts", "two-recipes"))
        store.save_table(units, "universality", row, "units.parquet")
        store.save_table(made.contexts(), "universality", row, "contexts.parquet")
        store.save_table(made.neighbours(), "universality", row, "neighbours.parquet")
        store.save_json({"n_tokens": 1000}, "universality", row, "metrics.json")
    tables = {
        "splitting": ("latents", "edges", "relatives", "clusters"),
        "automata": ("states", "transitions", "samples"),
    }
    for stage, names in tables.items():
        for name in names:
            store.save_table(getattr(made, name)(), stage, f"{name}.parquet")
    store.save_table(made.counts(), "splitting", "contexts.parquet")
    store.save_table(made.best(), "automata", "contexts.parquet")


def _sweep(store: Store, row: str) -> None:
    """Three levels, two widths and three seeds; two autoencoders diverged or collapsed."""
    table = points(height=0.7, widths=(512, 1024))
    gone = {"l0": table["l0"].where(table.index != 0).where(table.index != 1, 0.0)}
    store.save_table(table.assign(**gone), "sweep", row, "points.parquet")
    names = np.repeat(["512-30-0", "512-30-1", "1024-30-0"], 4)
    latents = frame("sweep/latents.parquet", 12, point=names)
    store.save_table(latents, "sweep", row, "latents.parquet")
    store.save_json(_numbers(3.5), "sweep", row, "metrics.json")


def _exploration() -> dict[str, pd.DataFrame]:
    reasons = ["matches base64", "matches dna", "largest effect on a logit", f"random {HOSTILE}"]
    kinds = ["base64", "dna", "", HOSTILE]
    chosen = frame("features/latents.parquet", 4, reason=reasons, planted_kind=kinds)
    n = 4 * 3 * 2
    contexts = [np.arange(9, dtype=np.int32) + 30 * (index % 8) for index in range(n)]
    examples = frame(
        "features/examples.parquet",
        n,
        latent=np.repeat(np.arange(4), 6),
        interval=np.tile(np.repeat([0, 1, 5], 2), 4),
        rank=np.tile([0, 1], 12),
        offset=np.full(n, 4),
        tokens=contexts,
        activations=[np.linspace(0, 2, 9) for _ in range(n)],
    )
    logits = frame(
        "features/logits.parquet",
        4 * 6,
        latent=np.repeat(np.arange(4), 6),
        sign=np.tile(["up"] * 3 + ["down"] * 3, 4),
        rank=np.tile(np.arange(3), 8),
        token=np.arange(24) * 7,
    )
    neurons = frame("features/neurons.parquet", 12, latent=np.repeat(np.arange(4), 3))
    return {"latents": chosen, "examples": examples, "logits": logits, "neurons": neurons}


def _record(claim: core.Claim, index: int) -> dict:
    """The claim with a made-up verdict, each of the four in turn, and hostile words."""
    holds = core.VERDICTS[index % len(core.VERDICTS)]
    measured = [0.5, 3, HOSTILE, None][index % 4]
    interval = (0.25, 0.75) if index % 4 == 0 else None
    verdict = core.Verdict(measured=measured, holds=holds, detail=HOSTILE, interval=interval)
    record = core.Record(
        claim=replace(claim, statement=f"{claim.statement} {HOSTILE}"), verdict=verdict
    )
    return json.loads(json.dumps(record.as_json()))
