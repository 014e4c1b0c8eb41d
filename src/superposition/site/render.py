"""The whole site from its sources: by Quarto where it is found, else by the built-in preview."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from superposition.core import store
from superposition.site import assets, navigation, preview

Progress = Callable[[Sequence[str]], Iterator[str]]


class Rendered(NamedTuple):
    """What was made."""

    renderer: str
    """quarto or preview."""
    version: str
    """The renderer's version and that of what it stands on."""
    pages: list[str]
    """The pages' addresses in the site, in reading order."""


class RenderError(ValueError):
    """A site that could not be rendered; the message says which page, cell and why."""


def render(root: Path, output: Path, *, progress: Progress | None = None) -> Rendered:
    """The site of the project in `root`, whole in the folder `output` or not there at all."""
    quarto = find_quarto()
    project = navigation.read(root)
    with store.whole(output) as folder:
        if quarto:
            version = _quarto(quarto, root, folder)
        else:
            version = preview.build(project, folder, progress=progress or announced)
        assets.write(folder, root=root)
    pages = [navigation.address(page) for page in project.pages]
    return Rendered("quarto" if quarto else "preview", version, pages)


def announced(pages: Sequence[str]) -> Iterator[str]:
    """The pages, each named on standard error as its turn comes."""
    for number, page in enumerate(pages, start=1):
        print(f"[{number}/{len(pages)}] {page}", file=sys.stderr, flush=True)
        yield page


def find_quarto() -> Path | None:
    """The `quarto` beside this interpreter or on the PATH, if SUPERPOSITION_RENDERER allows it."""
    if os.environ.get("SUPERPOSITION_RENDERER") == "preview":
        return None
    found = shutil.which("quarto", path=str(Path(sys.executable).parent)) or shutil.which("quarto")
    return Path(found) if found else None


def _quarto(quarto: Path, root: Path, folder: Path) -> str:
    """Run Quarto into `folder`; its output goes to the terminal, which is where it reports."""
    environment = os.environ | {"QUARTO_PYTHON": sys.executable}
    target = os.path.relpath(folder, root)
    command = [str(quarto), "render", ".", "--output-dir", target]
    finished = subprocess.run(command, cwd=root, env=environment, check=False)
    if finished.returncode:
        raise RenderError(f"quarto render ended with code {finished.returncode}: see above")
    asked = subprocess.run([str(quarto), "--version"], capture_output=True, text=True, check=True)
    return f"Quarto {asked.stdout.strip()}"
