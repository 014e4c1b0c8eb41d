"""Collect the text that everything language-like is trained on.   python -m pipeline.text"""

from pathlib import Path

from superposition import preflight
from superposition.core.stage import Stage, run
from superposition.language import corpus

LOCK = "requirements.lock"


def main(stage: Stage) -> None:
    """Documents with their split, and a manifest of where they came from."""
    needs = preflight.estimate(stage.params)  # all that a bare `dvc repro` runs before is `code`
    print(preflight.describe(needs, stage.params.scale), flush=True)
    kept = preflight.size_of(stage.store.root / "data" / stage.params.scale)
    preflight.check(needs, folder=Path(), kept=kept)
    config = stage.config(corpus.TextConfig)
    text = corpus.collect(config, lock=Path(LOCK).read_text("utf-8"))
    stage.store.save_table(text.documents, "text", "documents.parquet")
    stage.store.save_table(text.manifest, "text", "manifest.parquet")
    stage.store.save_json(text.counts._asdict(), "text", "metrics.json")


if __name__ == "__main__":
    run("text", main, rows=None)
