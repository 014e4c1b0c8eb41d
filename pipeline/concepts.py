"""Label every held-out token with its concepts.   python -m pipeline.concepts"""

from tokenizers import Tokenizer

from superposition.core.stage import Stage, run
from superposition.language.concepts import description, labelling
from superposition.language.tokens import TokenStream


def main(stage: Stage) -> None:
    """The concepts of every held-out token, and the catalogue with how often each occurs."""
    config = stage.config(description.ConceptsConfig)
    stream = TokenStream(**stage.store.load_tensors("tokens", "held_out.safetensors"))
    documents = stage.store.load_table(
        "text", "documents.parquet", columns=["document", "kind", "path", "text"]
    )
    tokenizer = Tokenizer.from_str(stage.store.load_text("tokens", "tokenizer.json"))
    labelled = labelling.label_stream(stream, documents, tokenizer)
    labels = labelled.labels
    catalogue = description.describe(labels, stream, config=config)
    tensors = {"indptr": labels.indptr, "indices": labels.indices}
    stage.store.save_tensors(tensors, "concepts", "labels.safetensors")
    stage.store.save_table(catalogue, "concepts", "catalogue.parquet")
    metrics = labelled.documents | description.summary(labels, catalogue)
    stage.store.save_json(metrics, "concepts", "metrics.json")


if __name__ == "__main__":
    run("concepts", main, rows=None)
