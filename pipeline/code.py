"""Take fingerprints of the code that every stage runs.   python -m pipeline.code"""

from pathlib import Path

from superposition.code_fingerprints import Code
from superposition.core.stage import Stage, run
from superposition.saes import base


def main(stage: Stage) -> None:
    """A file for every stage, and one for every architecture, which rows load by name."""
    code = Code(Path())
    for module in code.modules("pipeline"):
        name = module.removeprefix("pipeline.")
        stage.store.save_json(code.of(module), "code", f"{name}.json")
    for name in base.architectures():
        of = code.of(f"{base.PACKAGE}.{name}")
        stage.store.save_json(of, "code", "architectures", f"{name}.json")


if __name__ == "__main__":
    run("code", main, rows=None)
