"""What a claim is, when it is judged, and how all of them are found and judged.

A claim is a function from results to a verdict. Its expectation is fixed before the first run and
changes only in a commit that says why.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from superposition.artefacts import NotTrained
from superposition.core.params import Params
from superposition.core.store import ArtefactError, MissingArtefactError
from superposition.results import Results

Holds = Literal["replicated", "partly", "not replicated", "not run at this scale"]
VERDICTS: tuple[Holds, ...] = get_args(Holds)
"""The verdicts, best first."""
TRAINED = ("laptop", "full")
"""Scales at which training is long enough to judge what it leads to."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came out for one claim."""

    measured: float | int | str | None
    """The quantity that the claim names, measured here; None where it was not run."""
    holds: Holds
    """Whether that agrees with the claim, by the expectation fixed beforehand."""
    detail: str
    """One sentence with the numbers behind it."""
    interval: tuple[float, float] | None = None
    """95% interval of `measured`, where it was estimated from a sample."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A sentence of a paper and the function that judges it."""

    id: str
    """Stable name, such as `a10-intro-dense`."""
    paper: str
    """Title of the paper, tutorial or post."""
    source: str
    """Where in it: section, figure."""
    statement: str
    """The sentence: the function's docstring."""
    quoted: bool
    """Whether the statement is the paper's own wording; otherwise it is our paraphrase."""
    published: str
    """The published value and set-up."""
    expected: str
    """What counts as replicated, with its thresholds."""
    quantity: str
    """What `measured` is, with its unit."""
    figure: str
    """Where in the report to see it: page#anchor."""
    scales: tuple[str, ...]
    """The scales at which it can be judged; empty for those that need no training."""
    rows: tuple[str, ...]
    """The experiments it needs, such as `toy.five-in-two`."""
    judge: Callable[[Results], Verdict] = field(repr=False)
    """The function itself."""

    @property
    def code(self) -> str:
        """Where the function is: module:name."""
        return f"{self.judge.__module__}:{self.judge.__name__}"


@dataclass(frozen=True, kw_only=True)
class Record:
    """A claim and what came out: one entry of claims.json."""

    claim: Claim
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """The entry, ready for JSON."""
        claim, verdict = self.claim, self.verdict
        return {
            "id": claim.id,
            "paper": claim.paper,
            "source": claim.source,
            "statement": claim.statement,
            "quoted": claim.quoted,
            "published": claim.published,
            "expectation": claim.expected,
            "quantity": claim.quantity,
            "measured": verdict.measured,
            "interval": list(verdict.interval) if verdict.interval else None,
            "verdict": verdict.holds,
            "detail": verdict.detail,
            "figure": claim.figure,
            "code": claim.code,
        }


def claim(
    id: str,
    *,
    paper: str,
    source: str,
    published: str,
    expected: str,
    quantity: str,
    figure: str,
    rows: tuple[str, ...] = (),
    scales: tuple[str, ...] | None = None,
    quoted: bool = False,
) -> Callable[[Callable[[Results], Verdict]], Claim]:
    """Make a claim of the function below; its docstring is the statement.

    A claim about trained models (one with `rows`) is judged at the scales `TRAINED` unless `scales`
    says otherwise; a claim without rows is judged at every scale.
    """

    def decorate(judge: Callable[[Results], Verdict]) -> Claim:
        statement = inspect.cleandoc(judge.__doc__ or "")
        if not statement:
            raise ValueError(f"claim {id} has no docstring: it is the paper's sentence")
        return Claim(
            id=id,
            paper=paper,
            source=source,
            statement=" ".join(statement.split()),
            quoted=quoted,
            published=published,
            expected=expected,
            quantity=quantity,
            figure=figure,
            rows=rows,
            scales=scales if scales is not None else TRAINED if rows else (),
            judge=judge,
        )

    return decorate


def all_claims(package: str = "superposition.claims") -> list[Claim]:
    """The claims of every module of `package`, by id. Two with one id are an error."""
    path = importlib.import_module(package).__path__
    found: dict[str, Claim] = {}
    for name in sorted(module.name for module in pkgutil.iter_modules(path, f"{package}.")):
        for thing in vars(importlib.import_module(name)).values():
            if not isinstance(thing, Claim) or thing.judge.__module__ != name:
                continue
            if thing.id in found:
                raise ValueError(f"claim {thing.id} is in {found[thing.id].code} and {thing.code}")
            found[thing.id] = thing
    return [found[id] for id in sorted(found)]


def why_not_run(claim: Claim, params: Params) -> str:
    """Why this scale cannot judge the claim, or nothing. Looks at parameters, never at results."""
    if claim.scales and params.scale not in claim.scales:
        return f"Needs the scale {' or '.join(claim.scales)}; this is {params.scale}."
    for row in claim.rows:
        section, _, name = row.partition(".")
        if name not in params.tree.get(section, {}):
            return f"Needs the row {row}, which the scale {params.scale} leaves out."
    return ""


def judge(claim: Claim, results: Results, *, partial: bool = False) -> Record:
    """The claim with its verdict. A missing artefact is an error, unless the run is `partial`."""
    reason = why_not_run(claim, results.params)
    if reason:
        return _not_run(claim, reason)
    try:
        return Record(claim=claim, verdict=claim.judge(results))
    except NotTrained as error:
        return _not_run(claim, f"There is {error}.")
    except ArtefactError as error:
        if partial and isinstance(error, MissingArtefactError):
            return _not_run(claim, f"Needs {error.title}, which this partial run does not have.")
        raise ArtefactError(f"claim {claim.id}: {error}") from None


def judge_all(results: Results, *, partial: bool = False) -> list[Record]:
    """Every claim with its verdict, by id; of a `partial` run those that it can decide."""
    return [judge(claim, results, partial=partial) for claim in all_claims()]


def _not_run(claim: Claim, reason: str) -> Record:
    verdict = Verdict(measured=None, holds="not run at this scale", detail=reason)
    return Record(claim=claim, verdict=verdict)
