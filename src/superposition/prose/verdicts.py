"""How many claims came out how."""

from superposition.results import Results
from superposition.sources import sourced
from superposition.values import Texts, fmt

_VERDICTS = {
    "claims_replicated": "replicated",
    "claims_partly": "partly",
    "claims_not_replicated": "not replicated",
    "claims_not_run": "not run at this scale",
}
NAMES = ("claims_total", *_VERDICTS)
"""Names of the values, at every scale."""


@sourced
def texts(r: Results) -> Texts:
    """The counts, by name."""
    found = r.claims()["verdict"].tolist()
    r.remember([("claims", "")])
    counts = {name: fmt(found.count(verdict)) for name, verdict in _VERDICTS.items()}
    return {"claims_total": fmt(len(found)), **counts}
