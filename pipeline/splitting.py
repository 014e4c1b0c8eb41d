"""Compare autoencoders of several widths.   python -m pipeline.splitting"""

from tokenizers import Tokenizer

from pipeline.inputs import concepts, language, sweeps
from superposition.core import compute
from superposition.core.stage import Stage, run
from superposition.features import membership, splitting


def main(stage: Stage) -> None:
    """What the latents of every width are about, and which descend from which."""
    config = stage.config(splitting.SplittingConfig)
    points = [p for p in sweeps.points(stage, config.sweep) if p.level == config.level]
    saes = sweeps.saes(stage, config.sweep, points)
    tokenizer = Tokenizer.from_str(stage.store.load_text("tokens", "tokenizer.json"))
    found = splitting.split(
        language.transformer(stage, "activations", config.activations),
        splitting.family(points, saes, config),
        language.stream(stage, "held_out"),
        membership.contexts_of(concepts.labels(stage), concepts.catalogue(stage)),
        splitting.vocabulary(tokenizer),
        config=config,
        dtype=compute.matmul_dtype(stage.device),
    )
    for name, table in found._asdict().items():
        stage.store.save_table(table, "splitting", f"{name}.parquet")
    stage.store.save_json(splitting.summary(found), "splitting", "metrics.json")


if __name__ == "__main__":
    run("splitting", main, rows=None)
