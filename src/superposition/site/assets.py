"""What the pages load from beside them and no source file holds: Vega, the glossary, the atlas."""

import os
from pathlib import Path

from superposition.site import atlas, glossary, vega


def write(site: Path, *, root: Path) -> None:
    """Put them beside each figures.js of a built site, which loads Vega when it is needed."""
    texts = {vega.NAME: vega.bundle(), glossary.NAME: glossary.script(root)}
    for script in sorted(site.rglob("figures.js")):
        for name, text in texts.items():
            script.with_name(name).write_text(text, encoding="utf-8")
    for page in sorted(site.rglob(atlas.PAGE)):
        atlas.write(page, root=root)


if __name__ == "__main__":
    write(Path(os.environ["QUARTO_PROJECT_OUTPUT_DIR"]), root=Path())
