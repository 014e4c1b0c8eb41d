"""What the runs left behind, by experiment: what `claims/`, `charts/` and `paper/` read.

    r = Results.read()
    r.toy("five-in-two").features      # a frame, columns as in schema.yaml
    r.evaluation("l1").metrics.l0      # a number

Nothing is computed here beyond picking and joining; everything is loaded once, when asked for.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from jaxtyping import Float
from tokenizers import Tokenizer

from superposition.artefacts import (
    Adversarial,
    Artefacts,
    Atlas,
    Automata,
    Causal,
    Concepts,
    Consistency,
    Contexts,
    Evaluation,
    Features,
    Interpretability,
    Memorisation,
    Perturbation,
    Probes,
    Robustness,
    Sae,
    SparseRecovery,
    Splitting,
    Sweep,
    Text,
    Toy,
    ToyComparison,
    ToySae,
    Transformer,
    Universality,
)
from superposition.benchmarks import record
from superposition.benchmarks.record import Record
from superposition.core.params import Params
from superposition.core.store import Store
from superposition.reference import beside

NGRAMS = ("unigram", "bigram", "trigram", "five_gram")
"""The n-gram baselines, shortest context first."""
ROWS_OF = {"evaluation": "sae", "features": "sae"}
"""Stages that run once per row of another section."""

A = TypeVar("A", bound=Artefacts)
Asked = tuple[str, str]
"""A stage and a row of it that somebody asked for; the row is empty for stages without rows."""


def title_of(asked: Asked) -> str:
    """The name that DVC has for it: stage, or stage@row.

    >>> title_of(("toy", "five-in-two")), title_of(("theory", ""))
    ('toy@five-in-two', 'theory')
    """
    return "@".join(filter(None, asked))


@dataclass(frozen=True)
class Results:
    """Everything that was computed at one scale."""

    params: Params
    store: Store
    _kept: dict[Asked, Artefacts] = field(default_factory=dict, repr=False)
    _asked: dict[Asked, None] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, scale: str | None = None, *, root: Path | None = None) -> "Results":
        """The results under `root` (default: the working directory), at the scale chosen there."""
        params = Params.read(scale, root=root)
        return cls(params=params, store=Store(scale=params.scale, root=root or Path()))

    def rows(self, section: str) -> list[str]:
        """The experiments of a stage at this scale; none if the scale has no such stage."""
        if section == "features" and "features" in self.params.tree:
            return [*self.params.value("features")["autoencoders"]]
        section = ROWS_OF.get(section, section)
        return self.params.rows(section) if section in self.params.tree else []

    def toy(self, row: str) -> Toy:
        """Toy models."""
        return self._of("toy", row, Toy)

    def memorisation(self, row: str) -> Memorisation:
        """Models trained on finite data sets."""
        return self._of("memorisation", row, Memorisation)

    @property
    def data_sizes(self) -> Memorisation:
        """Models on more and more points: in the paper's world where the scale has it."""
        return self.memorisation(self.row_of_data_sizes)

    @property
    def row_of_data_sizes(self) -> str:
        """The row that these models belong to."""
        row = "data-sizes-of-the-paper"
        return row if row in self.rows("memorisation") else "data-sizes"

    def robustness(self, row: str) -> Robustness:
        """Attacks on toy models."""
        return self._of("robustness", row, Robustness)

    def sparse_recovery(self, row: str) -> SparseRecovery:
        """Matching pursuit on the hidden layers of toy models."""
        return self._of("sparse_recovery", row, SparseRecovery)

    def adversarial(self, row: str) -> Adversarial:
        """Toy models trained under attack."""
        return self._of("adversarial", row, Adversarial)

    def toy_sae(self, row: str) -> ToySae:
        """Autoencoders on toy models."""
        return self._of("toy_sae", row, ToySae)

    def toy_comparison(self, row: str) -> ToyComparison:
        """Variants of an autoencoder on toy models."""
        return self._of("toy_comparison", row, ToyComparison)

    def transformer(self, row: str) -> Transformer:
        """A language model."""
        return self._of("transformer", row, Transformer)

    def sae(self, row: str) -> Sae:
        """The training of an autoencoder on MLP activations."""
        return self._of("sae", row, Sae)

    def evaluation(self, row: str) -> Evaluation:
        """The evaluation of an autoencoder on held-out text."""
        return self._of("evaluation", row, Evaluation)

    def sweep(self, row: str) -> Sweep:
        """Autoencoders of one architecture, from few to many latents and active ones."""
        return self._of("sweep", row, Sweep)

    def features(self, row: str) -> Features:
        """The latents of an autoencoder."""
        return self._of("features", row, Features)

    def universality(self, row: str) -> Universality:
        """How alike the units of two autoencoders are."""
        return self._of("universality", row, Universality)

    def atlas(self, row: str) -> Atlas:
        """Every unit of a dictionary."""
        return self._of("atlas", row, Atlas)

    @property
    def splitting(self) -> Splitting:
        """Latents of several widths."""
        return self._keep("splitting", "", Splitting)

    @property
    def automata(self) -> Automata:
        """Latents as states of a machine."""
        return self._keep("automata", "", Automata)

    def contexts(self, row: str) -> Contexts:
        """The best latent of every concept, tested."""
        return self._of("contexts", row, Contexts)

    def causal(self, row: str) -> Causal:
        """The same latents taken away and held."""
        return self._of("causal", row, Causal)

    def consistency(self, row: str) -> Consistency:
        """Random latents and neurons, scored without concepts."""
        return self._of("consistency", row, Consistency)

    @property
    def theory(self) -> Artefacts:
        """What was computed without training: its tables."""
        return self._keep("theory", "", Artefacts)

    @property
    def perturbation(self) -> Perturbation:
        """Pentagon and digons while one feature becomes sparser."""
        return self._keep("perturbation", "", Perturbation)

    @property
    def text(self) -> Text:
        """The corpus."""
        return self._keep("text", "", Text)

    @property
    def tokens(self) -> Artefacts:
        """The tokens: their metrics."""
        return self._keep("tokens", "", Artefacts)

    def interpretability(self, row: str) -> Interpretability:
        """What the units of a dictionary mean."""
        return self._of("interpretability", row, Interpretability)

    def probes(self, row: str) -> Probes:
        """Linear probes on the neurons of a transformer."""
        return self._of("probes", row, Probes)

    @property
    def concepts(self) -> Concepts:
        """What every held-out token is: the catalogue and its metrics."""
        return self._keep("concepts", "", Concepts)

    @property
    def ngrams(self) -> Artefacts:
        """The n-gram baselines: their metrics."""
        return self._keep("ngrams", "", Artefacts)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the text."""
        return Tokenizer.from_str(self.store.load_text("tokens", "tokenizer.json"))

    @cached_property
    def bench(self) -> Record:
        """How fast training is, on the machine that data/bench.json names."""
        return record.load(self.store.root)

    @cached_property
    def bench_bf16(self) -> Record:
        """The same on the processor that data/bench-bf16.json names, with units for bfloat16."""
        return record.load(self.store.root, record.BF16_PATH)

    @cached_property
    def bench_gpu(self) -> Record:
        """The same on the GPU that data/bench-gpu.json names."""
        return record.load(self.store.root, record.GPU_PATH)

    @cached_property
    def token_texts(self) -> list[str]:
        """The text of every token, by id; bytes that are no character alone come out as U+FFFD."""
        ids = range(self.tokenizer.get_vocab_size())
        return [self.tokenizer.decode([token], skip_special_tokens=False) for token in ids]

    def claims(self) -> pd.DataFrame:
        """claims.json as a frame, one row per claim, with what the reference runs came to."""
        claims = pd.DataFrame(self.store.load_json("claims.json"))
        return beside.add_references(claims, self.store.root)

    def across(self, section: str, table: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
        """`table(row)` for every row of a stage, one below the other, with a first column `row`.

        `r.across("toy_sae", lambda row: r.toy_sae(row).recovery)`
        """
        tables = [table(row).assign(row=row) for row in self.rows(section)]
        if not tables:
            raise ValueError(f"no rows in section {section!r} at scale {self.params.scale}")
        together = pd.concat(tables, ignore_index=True)
        return together.loc[:, ["row", *together.columns.drop("row")]]

    def evaluations(self, section: str = "sae") -> pd.DataFrame:
        """The metrics of every autoencoder, one row each; `features`: of those explored."""
        return self.across(section, lambda row: pd.DataFrame([self.evaluation(row).metrics.things]))

    def baselines(self) -> pd.DataFrame:
        """Held-out loss of the n-gram models: model, loss (nats per token)."""
        losses = {name: self.ngrams.metrics.things[name] for name in NGRAMS}
        return pd.DataFrame({"model": list(losses), "loss": list(losses.values())})

    def logits(self, row: str) -> pd.DataFrame:
        """The logit effects of an autoencoder's latents, with the `text` of each token."""
        logits = self.features(row).logits
        return logits.assign(text=[self.token_texts[token] for token in logits["token"]])

    def directions(self, row: str, *, target: str = "sae-target") -> pd.DataFrame:
        """Toy features and the latents of a toy autoencoder in the plane, as unit vectors.

        Columns: instance, kind (feature or latent), index, x, y.
        """
        W, W_dec = self.toy(target).weights["W"], self.toy_sae(row).weights["W_dec"]
        n = min(len(W), len(W_dec))
        frames = [_in_plane(W[:n], "feature"), _in_plane(W_dec[:n], "latent")]
        return pd.concat(frames, ignore_index=True)

    def take_asked(self) -> list[Asked]:
        """What was asked for since this was called last, in order: the sources of a figure."""
        asked = [*self._asked]
        self._asked.clear()
        return asked

    def remember(self, asked: Iterable[Asked]) -> None:
        """Count this as asked for, after what was."""
        self._asked.update(dict.fromkeys(asked))

    def _of(self, stage: str, row: str, kind: type[A]) -> A:
        self.params.value(ROWS_OF.get(stage, stage), row)
        return self._keep(stage, row, kind)

    def _keep(self, stage: str, row: str, kind: type[A]) -> A:
        self._asked[stage, row] = None
        kept = self._kept.setdefault((stage, row), kind(self.store, stage, row))
        assert isinstance(kept, kind), f"{stage}/{row} is a {type(kept).__name__}"
        return kept


def _in_plane(vectors: Float[np.ndarray, "instance vector 2"], kind: str) -> pd.DataFrame:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit = vectors / np.maximum(lengths, np.finfo(vectors.dtype).tiny)
    instance, index = np.indices(unit.shape[:2])
    columns = {
        "instance": instance.ravel(),
        "kind": kind,
        "index": index.ravel(),
        "x": unit[..., 0].ravel(),
        "y": unit[..., 1].ravel(),
    }
    return pd.DataFrame(columns)
