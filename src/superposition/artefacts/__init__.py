"""What the stages left behind, one class per stage; `results.py` hands them out by experiment.

A class loads the tables, tensors and metrics of one row when they are first asked for.
"""

from superposition.artefacts.atlas import Atlas
from superposition.artefacts.core import Artefacts, Named, NotTrained
from superposition.artefacts.interpretability import Interpretability, Probes
from superposition.artefacts.language import (
    Automata,
    Concepts,
    Evaluation,
    Features,
    Sae,
    Splitting,
    Sweep,
    Text,
    ToyComparison,
    ToySae,
    Transformer,
    Universality,
)
from superposition.artefacts.memorisation import Memorisation
from superposition.artefacts.single_features import Causal, Consistency, Contexts
from superposition.artefacts.toy import (
    Adversarial,
    Perturbation,
    Robustness,
    Runs,
    Snapshots,
    SparseRecovery,
    Toy,
)

__all__ = [
    "Adversarial",
    "Artefacts",
    "Atlas",
    "Automata",
    "Causal",
    "Concepts",
    "Consistency",
    "Contexts",
    "Evaluation",
    "Features",
    "Interpretability",
    "Memorisation",
    "Named",
    "NotTrained",
    "Perturbation",
    "Probes",
    "Robustness",
    "Runs",
    "Sae",
    "Snapshots",
    "SparseRecovery",
    "Splitting",
    "Sweep",
    "Text",
    "Toy",
    "ToyComparison",
    "ToySae",
    "Transformer",
    "Universality",
]
