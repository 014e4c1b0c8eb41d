"""Score the n-gram baselines on the transformer's tokens.   python -m pipeline.ngrams"""

from superposition.core.stage import Stage, run
from superposition.language import ngrams


def main(stage: Stage) -> None:
    """Held-out nats per token of unigrams to 5-grams, trained on the same tokens."""
    train = stage.store.load_tensors("tokens", "train.safetensors")
    held_out = stage.store.load_tensors("tokens", "held_out.safetensors")
    d_vocab = stage.store.load_json("tokens", "metrics.json")["vocab_size"]
    losses = ngrams.ngram_losses(train["tokens"], held_out["tokens"], d_vocab=d_vocab)
    stage.store.save_json(losses._asdict(), "ngrams", "metrics.json")


if __name__ == "__main__":
    run("ngrams", main, rows=None)
