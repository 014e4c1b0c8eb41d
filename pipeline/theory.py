"""Check what can be derived without training.   python -m pipeline.theory"""

from superposition.core.stage import Stage, run
from superposition.toy import theory_tables


def main(stage: Stage) -> None:
    """Closed forms, exact optima and the terms of the loss, each as a table."""
    config = stage.config(theory_tables.TheoryConfig)
    for name, table in theory_tables.tables(config).items():
        stage.store.save_table(table, "theory", f"{name}.parquet")


if __name__ == "__main__":
    run("theory", main, rows=None)
