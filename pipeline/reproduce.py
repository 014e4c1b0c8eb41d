"""Rebuild what is out of date, say where the report is.   python -m pipeline.reproduce [SCALE]"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

from superposition import accelerator, preflight, rows, workspace
from superposition.core.params import Params
from superposition.core.store import whole

SITE = "_site"


def main(scale: str, *, root: Path, only: str | None) -> None:
    """Run DVC at `scale`: here for the scale of params.yaml, in a copy of the tree for another."""
    params = Params.read(scale, root=root)
    here = Params.read(root=root).scale == scale
    tree = root if here else root / workspace.FOLDER / scale
    rows.check(params)
    if only is None:
        needs = preflight.estimate(params)
        print(preflight.describe(needs, scale), flush=True)
        accelerator.check(params, needs)
        preflight.check(needs, folder=root, kept=preflight.size_of(tree / "data" / scale))
    if not here:
        workspace.prepare(scale, root=root, into=tree)
    started = time.perf_counter()
    _repro(tree, only)
    if not here:
        _bring_site(tree / SITE, root / SITE)
    minutes = (time.perf_counter() - started) / 60
    print(f"\nDone in {minutes:.1f} minutes. Open the report: {root / SITE / 'index.html'}")


def _repro(tree: Path, only: str | None) -> None:
    command = [sys.executable, "-m", "dvc", "repro"]
    command += ["--single-item", "--force", only] if only else []
    done = subprocess.run(command, cwd=tree, env=workspace.environment(tree), check=False)
    if done.returncode:
        sys.exit(
            f"dvc repro stopped in {tree}; what was finished is kept, so run it again to go on"
        )


def _bring_site(source: Path, target: Path) -> None:
    """Put the site another scale built where the report is always found."""
    with whole(target) as path:
        shutil.copytree(source, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipeline.reproduce")
    parser.add_argument("scale", nargs="?", default="laptop", help="smoke, laptop or full")
    parser.add_argument("--only", help="one stage, whatever is out of date before it")
    arguments = parser.parse_args()
    try:
        main(arguments.scale, root=Path.cwd(), only=arguments.only)
    except ValueError as error:
        sys.exit(str(error))
