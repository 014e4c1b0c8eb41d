"""Train the tokenizer and encode both sides of the split.   python -m pipeline.tokens"""

from superposition.core.stage import Stage, run
from superposition.language import tokens


def main(stage: Stage) -> None:
    """A tokenizer from the training text; a stream of tokens for training and for holding out."""
    config = stage.config(tokens.TokensConfig)
    documents = stage.store.load_table("text", "documents.parquet")
    sides = {side: documents.query(f"split == '{side}'") for side in ("train", "held_out")}
    tokenizer = tokens.train_tokenizer(sides["train"]["text"].to_list(), config)
    stage.store.save_text(tokenizer.to_str(pretty=True), "tokens", "tokenizer.json")
    streams = {
        side: tokens.encode(tokenizer, table, seed=config.seed) for side, table in sides.items()
    }
    for side, stream in streams.items():
        stage.store.save_tensors(stream._asdict(), "tokens", f"{side}.safetensors")
    counts = tokens.counts(tokenizer, streams, documents)
    stage.store.save_json(counts._asdict(), "tokens", "metrics.json")


if __name__ == "__main__":
    run("tokens", main, rows=None)
