"""Take latents away and hold them at their largest.   python -m pipeline.causal ROW"""

from tokenizers import Tokenizer

from pipeline.inputs import autoencoder, concepts, language
from superposition.core import compute
from superposition.core.stage import Stage, run
from superposition.features import causal
from superposition.features.intervention_setting import CausalConfig
from superposition.language import tokens
from superposition.language.concepts.labels import halves


def main(stage: Stage) -> None:
    """What the model predicts without each concept's latent, and what it writes with it held."""
    config = stage.config(CausalConfig)
    tokenizer = Tokenizer.from_str(stage.store.load_text("tokens", "tokenizer.json"))
    stream = language.stream(stage, "held_out")
    found = causal.intervene(
        language.transformer(stage, "activations", config.activations),
        autoencoder.sae(stage, config.sae),
        stream,
        labels=concepts.labels(stage).matrix(),
        choosing=halves(stream),
        concepts=stage.store.load_table("contexts", stage.row, "concepts.parquet"),
        next_tokens=stage.store.load_table("contexts", stage.row, "next_tokens.parquet"),
        papers_prompt=tokens.encode_text(tokenizer, causal.PAPERS_PROMPT),
        config=config,
        dtype=compute.matmul_dtype(stage.device),
    )
    for name, table in found._asdict().items():
        stage.store.save_table(table, "causal", stage.row, f"{name}.parquet")


if __name__ == "__main__":
    run("causal", main, rows="causal")
