"""What the stages left behind, one class per stage; `results.py` hands them out by experiment.

A class loads the tables, tensors and metrics of one row when they are first asked for.
"""

from superposition.artefacts.core import Artefacts, Named, NotTrained
from superposition.artefacts.language import (
    Automata,
    Concepts,
    Evaluation,
    Features,
    Sae,
    Sweep,
    Splitting,
    Text,
    ToySae,
    Transformer,
    Universality,
)
from superposition.artefacts.memorisation import Memorisation
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
    "Automata",
    "Splitting",
    "Universality",
    "Adversarial",
    "Artefacts",
    "Concepts",
    "Evaluation",
    "Features",
    "Memorisation",
    "Named",
    "NotTrained",
    "Perturbation",
    "Robustness",
    "Runs",
    "Sae",
    "Snapshots",
    "SparseRecovery",
    "Sweep",
    "Text",
    "Toy",
    "ToySae",
    "Transformer",
]
