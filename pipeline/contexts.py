"""Put the best latent of every concept to five tests.   python -m pipeline.contexts ROW"""

from tokenizers import Tokenizer

from pipeline.inputs import autoencoder, concepts, language
from superposition.core import compute
from superposition.core.stage import Stage, run
from superposition.features import contexts, proxies
from superposition.language.concepts.labels import halves


def main(stage: Stage) -> None:
    """Specific, sensitive, effective, no neuron, universal: one row per concept and proxy."""
    config = stage.config(contexts.ContextsConfig)
    stream = language.stream(stage, "held_out")
    tokenizer = Tokenizer.from_str(stage.store.load_text("tokens", "tokenizer.json"))
    tested = contexts.examine(
        _subject(stage, config.activations, config.sae),
        _subject(stage, config.partner_activations, config.partner),
        stream,
        labels=concepts.labels(stage).matrix(),
        choosing=halves(stream),
        catalogue=concepts.catalogue(stage),
        vocabulary=proxies.vocabulary_of(tokenizer),
        config=config,
        dtype=compute.matmul_dtype(stage.device),
    )
    for name, table in tested._asdict().items():
        stage.store.save_table(table, "contexts", stage.row, f"{name}.parquet")


def _subject(stage: Stage, activations: str, sae: str) -> contexts.Subject:
    model = language.transformer(stage, "activations", activations)
    return model, autoencoder.sae(stage, sae)


if __name__ == "__main__":
    run("contexts", main, rows="contexts")
