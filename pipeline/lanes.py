"""Run the stages of a scale beside each other, without DVC.   python -m pipeline.lanes [SCALE]"""

import argparse
import math
import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from superposition import accelerator, lanes, preflight, rows
from superposition.core.params import Params
from superposition.core.stage import PAUSED

LAST = 600
"""Characters of a failed stage's output that are shown."""


def main(arguments: argparse.Namespace) -> int:
    """The exit status: 0 if all is done, 75 if there was no time for all, 1 if something failed."""
    params = Params.read(arguments.scale)
    rows.check(params)
    root = Path.cwd()
    todo = lanes.tasks(params, root, only=arguments.only, named=arguments.processor)
    if any(task.stage in lanes.TRAININGS and not task.is_done(root) for task in todo):
        accelerator.check(params, preflight.estimate(params))
    limits = lanes.Limits(
        seconds=60 * arguments.minutes,
        processes=arguments.processes,
        trainings=arguments.trainings,
    )
    with TemporaryDirectory() as logs:
        starter = lanes.Starter(
            params.scale,
            n_processes=arguments.processes,
            on_processor=arguments.processor,
            logs=Path(logs),
        )
        outcome = lanes.run(
            todo, limits, starter, root=root, say=lambda text: print(text, flush=True)
        )
        for name in outcome.failed:
            print(f"--- {name}: {(Path(logs) / name).read_text('utf-8')[-LAST:]}", file=sys.stderr)
    for what in ("done", "failed", "cut_off", "left"):
        names = getattr(outcome, what)
        shown = f": {', '.join(names)}" if names and what != "done" else ""
        print(f"{len(names)} {what.replace('_', ' ')}{shown}")
    if outcome.failed:
        return 1
    return PAUSED if outcome.cut_off or outcome.left else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipeline.lanes")
    parser.add_argument("scale", nargs="?", help="default: the scale of params.yaml")
    parser.add_argument("--only", nargs="+", default=[], metavar="STAGE", help="these stages alone")
    parser.add_argument("--minutes", type=float, default=math.inf, help="default: no limit")
    parser.add_argument("--processes", type=int, default=max(1, (os.cpu_count() or 1) // 2))
    parser.add_argument("--trainings", type=int, default=1, help="of them at a time (default: 1)")
    parser.add_argument(
        "--processor", nargs="*", default=["toy"], metavar="STAGE", help="see no GPU (default: toy)"
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ends its stages too
    try:
        sys.exit(main(parser.parse_args()))
    except ValueError as error:
        sys.exit(f"lanes: {error}")
