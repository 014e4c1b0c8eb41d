"""Judge every claim by what was measured.   python -m pipeline.claims"""

from superposition.claims import core
from superposition.core.stage import Stage, run
from superposition.results import Results


def main(stage: Stage) -> None:
    """A verdict on every claim, with its source and the expectation fixed beforehand."""
    records = core.judge_all(Results(params=stage.params, store=stage.store))
    stage.store.save_json([record.as_json() for record in records], "claims.json")


if __name__ == "__main__":
    run("claims", main, rows=None)
