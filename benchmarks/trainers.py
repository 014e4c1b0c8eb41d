"""The peers' training steps: their own code, given the first weights and the batches of a case.

A peer is imported when it is asked for: one that is not installed stops nobody else.
"""

from importlib import import_module
from typing import Any

PEERS = {
    "SAELens": ("sae_lens_steps", "SaeLens"),
    "dictionary_learning": ("dictionary_learning_steps", "DictionaryLearning"),
    "sparsify": ("sparsify_steps", "Sparsify"),
}
"""Module here and class, by the names of the tables."""


def peer(name: str) -> Any:
    """The class that makes a peer's steps: built from a case and one of its `settings`."""
    module, what = PEERS[name]
    return getattr(import_module(module), what)
