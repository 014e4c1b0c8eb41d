from dataclasses import replace

import pytest
import torch

from superposition.language.activations import ActivationsConfig, cache_activations, layout
from superposition.language.transformer import OneLayerTransformer, TransformerConfig
from superposition.language.windows import window_at
from superposition.shard_writer import ShardWriter
from superposition.shards import ShardReader

N_CTX, D_MLP = 8, 24
CONFIG = ActivationsConfig(
    transformer="a", n_tokens=150, skip_first=0, rows_per_shard=64, batch_size=3, seed=0
)
MODEL = OneLayerTransformer(
    TransformerConfig(
        d_model=16,
        d_mlp=D_MLP,
        n_heads=2,
        d_head=8,
        n_ctx=N_CTX,
        seed=0,
        held_out_tokens=1,
        made_from="transformer/trained",
    ),
    d_vocab=20,
)
TOKENS = torch.randint(20, (203,), generator=torch.Generator().manual_seed(0)).int()
START = torch.tensor([0, 5, 6, 90, 203])
DOCUMENT = torch.tensor([40, 10, 30, 20]).int()


class Appended:
    """A writer that keeps the rows in memory."""

    def __init__(self) -> None:
        self.parts = []

    def append(self, rows) -> None:
        self.parts.append(rows)

    @property
    def rows(self):
        return {name: torch.cat([part[name] for part in self.parts]) for name in self.parts[0]}


def cached(config: ActivationsConfig) -> dict[str, torch.Tensor]:
    writer = Appended()
    cache_activations(config, MODEL, TOKENS, document=DOCUMENT, start=START, writer=writer)
    return writer.rows


@pytest.mark.parametrize("skip_first", [0, 2])
def test_every_row_leads_back_to_the_text_that_gave_it(skip_first):
    config = replace(CONFIG, skip_first=skip_first)
    rows = cached(config)
    assert len(rows["acts"]) == 150
    for i, position in enumerate(rows["position"].tolist()):
        window = window_at(TOKENS, position, n_ctx=N_CTX)
        acts = MODEL.mlp_acts(window[None])[0, position % N_CTX]
        torch.testing.assert_close(rows["acts"][i], acts)
        assert rows["token"][i] == TOKENS[position]
        assert position % N_CTX >= skip_first


def test_a_row_knows_the_document_of_its_token():
    rows = cached(CONFIG)
    of_position = DOCUMENT.repeat_interleave(START.diff())
    assert torch.equal(rows["document"], of_position[rows["position"]])


def test_no_token_is_cached_twice_and_the_whole_stream_can_be():
    assert len(cached(CONFIG)["position"].unique()) == 150
    assert cached(replace(CONFIG, n_tokens=200))["position"].tolist() == list(range(200))


def test_more_tokens_than_the_stream_has_are_refused():
    with pytest.raises(ValueError, match="n_tokens=201 exceeds the 200 tokens that the stream"):
        cached(replace(CONFIG, n_tokens=201))
    with pytest.raises(ValueError, match="n_tokens=176 exceeds the 175 tokens"):
        cached(replace(CONFIG, n_tokens=176, skip_first=1))
    with pytest.raises(ValueError, match="skip_first=8 leaves nothing of n_ctx=8"):
        cached(replace(CONFIG, skip_first=8))


def test_another_seed_draws_other_windows_from_the_whole_stream():
    drawn = [cached(replace(CONFIG, n_tokens=80, seed=seed))["position"] for seed in (0, 1)]
    assert not torch.equal(drawn[0], drawn[1])
    assert all(positions.max() > 120 for positions in drawn)


def test_on_disk_the_activations_are_the_same_to_the_precision_of_bfloat16(tmp_path):
    with ShardWriter(tmp_path / "shards", layout(CONFIG, d_mlp=D_MLP)) as writer:
        cache_activations(CONFIG, MODEL, TOKENS, document=DOCUMENT, start=START, writer=writer)
    rows = next(ShardReader(tmp_path / "shards").rows(150))
    position, order = rows["position"].sort()
    expected = cached(CONFIG)
    assert torch.equal(position, expected["position"].int())
    assert torch.equal(rows["acts"][order], expected["acts"].bfloat16())
    assert torch.equal(rows["document"][order], expected["document"])
    assert not torch.equal(position, rows["position"])
