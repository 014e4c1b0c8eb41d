"""Render the report into _site/.   python -m pipeline.paper"""

from pathlib import Path

from superposition.core.params import Params
from superposition.core.stage import Stage, run
from superposition.site.render import render

SITE = "_site"


def main(stage: Stage) -> None:
    """The site, by Quarto where it is found and by the built-in preview otherwise."""
    shown = Params.read().scale  # pages read params.yaml for themselves
    if stage.params.scale != shown:
        raise ValueError(
            f"the pages show the scale of params.yaml, {shown}; those of {stage.params.scale} "
            f"are rendered in its own tree, .scales/{stage.params.scale}"
        )
    rendered = render(Path(), Path(SITE))
    print(f"{len(rendered.pages)} pages by {rendered.renderer}: {Path(SITE).resolve()}/index.html")


if __name__ == "__main__":
    run("paper", main, rows=None)
