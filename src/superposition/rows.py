"""Every row of every section, checked before any work starts: a mistake should cost no minutes."""

import math
from collections.abc import Callable
from typing import Any

from superposition.atlas.config import AtlasConfig
from superposition.core.params import ParameterError, Params
from superposition.features.automata import AutomataConfig
from superposition.features.consistency import ConsistencyConfig
from superposition.features.contexts import ContextsConfig
from superposition.features.evaluation import EvaluationConfig
from superposition.features.exploration import FeaturesConfig
from superposition.features.interpretability import InterpretabilityConfig
from superposition.features.intervention_setting import CausalConfig
from superposition.features.probes import ProbesConfig
from superposition.features.splitting import SplittingConfig
from superposition.features.universality import UniversalityConfig
from superposition.language.activations import ActivationsConfig
from superposition.language.concepts.description import ConceptsConfig
from superposition.language.corpus import TextConfig
from superposition.language.tokens import TokensConfig
from superposition.language.transformer import TransformerConfig
from superposition.saes import base, schedule, sweep
from superposition.saes.base import SaeConfig
from superposition.saes.comparison import ComparisonConfig
from superposition.saes.sweep import SweepConfig
from superposition.toy.adversarial import AdversarialConfig
from superposition.toy.branches import PerturbationConfig
from superposition.toy.config import ToyConfig
from superposition.toy.memorisation_config import MemorisationConfig
from superposition.toy.robustness import RobustnessConfig
from superposition.toy.sparse_recovery import SparseRecoveryConfig
from superposition.toy.theory_tables import TheoryConfig

SECTIONS: dict[str, type] = {
    "text": TextConfig,
    "tokens": TokensConfig,
    "concepts": ConceptsConfig,
    "perturbation": PerturbationConfig,
    "theory": TheoryConfig,
    "evaluation": EvaluationConfig,
    "features": FeaturesConfig,
    "splitting": SplittingConfig,
    "automata": AutomataConfig,
}
"""Sections that are one configuration."""
SECTIONS_OF_ROWS: dict[str, type | None] = {
    "transformer": TransformerConfig,
    "activations": ActivationsConfig,
    "toy": ToyConfig,
    "robustness": RobustnessConfig,
    "memorisation": MemorisationConfig,
    "sparse_recovery": SparseRecoveryConfig,
    "adversarial": AdversarialConfig,
    "universality": UniversalityConfig,
    "atlas": AtlasConfig,
    "contexts": ContextsConfig,
    "causal": CausalConfig,
    "consistency": ConsistencyConfig,
    "interpretability": InterpretabilityConfig,
    "probes": ProbesConfig,
    "toy_sae": None,
    "toy_comparison": ComparisonConfig,
    "sae": None,
    "sweep": SweepConfig,
}
"""Sections of rows; None where the row's `arch` says which configuration it is."""
SOURCES: dict[str, tuple[str, Callable[[Any], str]]] = {
    "activations": ("transformer", lambda config: config.transformer),
    "robustness": ("toy", lambda config: config.models),
    "sparse_recovery": ("toy", lambda config: config.models),
    "toy_sae": ("toy", lambda config: config.activations),
    "toy_comparison": ("toy", lambda config: config.models),
    "universality": ("activations", lambda config: config.second_activations),
    "sae": ("activations", lambda config: config.activations),
    "contexts": ("sae", lambda config: config.sae),
    "causal": ("sae", lambda config: config.sae),
    "consistency": ("sae", lambda config: config.sae),
    "interpretability": ("activations", lambda config: config.activations),
    "probes": ("activations", lambda config: config.activations),
    "atlas": ("sweep", lambda config: config.sweep),
    "sweep": ("activations", lambda config: config.activations),
}
"""For sections whose rows use a row of another section: which one, and how the row names it."""


def check(params: Params) -> None:
    """Refuse parameters that some stage would refuse, in one error that names all mistakes."""
    mistakes: list[str] = []
    for section, config in SECTIONS.items():
        _collect(mistakes, lambda section=section, config=config: params.load(config, section))
    for section in SECTIONS_OF_ROWS:
        for row in params.rows(section):
            _collect(mistakes, lambda section=section, row=row: load_row(params, section, row))
    _collect(mistakes, lambda: _check_explored(params))
    for section in ("interpretability", "atlas"):
        for row in params.rows(section):
            _collect(mistakes, lambda at=(section, row): _check_dictionary(params, *at))
    if mistakes:
        raise ParameterError("\n".join(mistakes))


def load_row(params: Params, section: str, row: str) -> Any:
    """One row as its configuration, the row it builds on among those that exist."""
    kind = SECTIONS_OF_ROWS[section] or _configuration(params, section, row)
    config: Any = params.load(kind, section, row)
    if section in SOURCES:
        source, name_of = SOURCES[section]
        if name_of(config) not in params.rows(source):
            have = ", ".join(params.rows(source))
            raise ParameterError(
                f"{section}.{row} builds on {source}.{name_of(config)}, which does not exist; "
                f"have: {have} ({params.origin})"
            )
    if section == "sweep":
        points = sweep.points(config, key=f"sweep.{row}", origin=params.origin)
        _check_epochs(params, f"sweep.{row}.shared", points[0].config)
    elif section == "sae":
        _check_epochs(params, f"sae.{row}", config)
    return config


def _check_epochs(params: Params, key: str, config: SaeConfig) -> None:
    """A training must not read its activations more often than it says."""
    training, n_rows = config.training, params.value("activations", config.activations)["n_tokens"]
    times = schedule.epochs(training, n_rows)
    if times > training.n_epochs or training.batch_size > n_rows:
        raise ParameterError(
            f"{key}.training: n_steps={training.n_steps} of batch_size={training.batch_size} read "
            f"the n_tokens={n_rows} of activations.{config.activations} {times:.3g} times; "
            f"n_epochs={training.n_epochs}, needed: {math.ceil(times)} ({params.origin})"
        )


def _check_explored(params: Params) -> None:
    """`features.autoencoders` must name rows of `sae`, each with its own activations."""
    made_of = {row: fields["activations"] for row, fields in params.value("sae").items()}
    for row, activations in params.value("features")["autoencoders"].items():
        if made_of.get(row) != activations:
            raise ParameterError(
                f"features.autoencoders has {row}: {activations}; have: "
                f"{', '.join(f'{row}: {of}' for row, of in made_of.items())} ({params.origin})"
            )


def _check_dictionary(params: Params, read_by: str, row: str) -> None:
    """What a row that `reads` a dictionary reads must be of the transformer of its activations."""
    fields = params.value(read_by, row)
    section, _, name = fields["reads"].partition("/")
    of = params.value(section, name).get("activations") if section == "sae" else None
    transformer = params.value("activations", of or fields["activations"])["transformer"]
    if of not in (None, fields["activations"]) or (
        section == "transformer" and transformer != name
    ):
        raise ParameterError(
            f"{read_by}.{row} reads {fields['reads']}, which is not of activations."
            f"{fields['activations']} ({params.origin})"
        )


def _configuration(params: Params, section: str, row: str) -> type:
    arch = params.value(section, row).get("arch")
    try:
        return base.architecture(arch).Config
    except ValueError as error:
        raise ParameterError(f"{error} ({params.origin}: {section}.{row}.arch)") from None


def _collect(mistakes: list[str], load: Callable[[], Any]) -> None:
    try:
        load()
    except ParameterError as error:
        mistakes.append(str(error))
