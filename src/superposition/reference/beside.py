"""What the reference runs came to, beside a run's own claims."""

from pathlib import Path
from typing import Any

import pandas as pd

from superposition.reference.files import Reference

SCALES = ("laptop", "full")
"""Scales that have, or will have, a reference run; it is judged there what training leads to."""
COLUMN = "references"
"""Of the frame of claims: for each claim, what every reference run came to, by scale."""
NOT_RUN = "not run at this scale"
"""The verdict on what a run left out."""
KEPT = ("measured", "interval", "verdict")


def add_references(claims: pd.DataFrame, root: Path) -> pd.DataFrame:
    """`claims` with the column COLUMN: {scale: {measured, interval, verdict}} for each claim.

    A run that is not there, or whose verdicts were altered, is left out.
    """
    runs = {scale: _by_id(Reference(scale, root)) for scale in SCALES}
    found = [
        {scale: records[id] for scale, records in runs.items() if id in records}
        for id in claims["id"]
    ]
    return claims.assign(**{COLUMN: pd.Series(found, index=claims.index, dtype=object)})


def _by_id(reference: Reference) -> dict[str, dict[str, Any]]:
    ran = (one for one in reference.claims() if one["verdict"] != NOT_RUN)
    return {one["id"]: {name: one[name] for name in KEPT} for one in ran}
