"""Write the verdicts into README.md.   python -m pipeline.readme"""

from pathlib import Path

from superposition.claims import summary
from superposition.core.stage import Stage, run
from superposition.core.store import whole

README = Path("README.md")


def main(stage: Stage) -> None:
    """The table of verdicts between README.md's two markers; the rest of the file as it was."""
    text = summary.insert(README.read_text("utf-8"), stage.store.load_json("claims.json"))
    with whole(README) as path:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run("readme", main, rows=None)
