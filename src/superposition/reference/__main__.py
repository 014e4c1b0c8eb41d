"""Make the reference run of a scale from its results, add to it, or take in one made elsewhere.

python -m superposition.reference [SCALE] [--partial | --add | --import FOLDER] [--replace]
"""

import argparse
import sys
from pathlib import Path

from superposition.preflight import size_of
from superposition.reference import adding, making

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m superposition.reference")
    parser.add_argument("scale", nargs="?", default="laptop", help="smoke, laptop or full")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--import", dest="given", type=Path, help="folder copied from elsewhere")
    how.add_argument("--partial", action="store_true", help="not every stage was run")
    how.add_argument(
        "--add", action="store_true", help="to the partial reference run, what it lacks of this run"
    )
    parser.add_argument(
        "--replace", action="store_true", help="though the reference run there loses stages by it"
    )
    arguments = parser.parse_args()
    try:
        if arguments.given is not None:
            made = making.take_in(
                Path(), arguments.scale, arguments.given, replace=arguments.replace
            )
        elif arguments.add:
            made = adding.add(Path(), arguments.scale)
        else:
            made = making.make(
                Path(), arguments.scale, partial=arguments.partial, replace=arguments.replace
            )
    except ValueError as error:
        sys.exit(f"reference: {error}")
    print(f"{len(made.sums)} files in {made.folder}, {size_of(made.folder) / 1e6:.1f} MB")
