"""What is known of every token of a stream: its id, its half, its concepts."""

import pandas as pd
from scipy.sparse import csr_array

from superposition.features.concept_counts import Text
from superposition.language.concepts.labels import Labels, halves
from superposition.language.tokens import TokenStream


def text_of(stream: TokenStream, labels: Labels, concepts: pd.DataFrame) -> Text:
    """The tokens of the stream with their half and their labels, for the given concepts alone."""
    chosen = concepts["concept"].to_numpy(dtype=int)
    return Text(
        token=stream.tokens.cpu().numpy(),
        first_half=halves(stream).numpy(),
        labels=csr_array(labels.matrix()[:, chosen]),
    )
