"""Examples against an exhaustive search, and what must not change which are chosen."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from superposition.core.store import schema
from superposition.features.examples import ExamplesConfig, collect_examples, top_tokens
from superposition.features.streaming import LatentBatch, documents_of
from superposition.language.tokens import TokenStream
from superposition.saes.kernels import DenseCodes

N_WINDOWS, N_CTX, D_SAE = 40, 16, 5
N = N_WINDOWS * N_CTX
STREAM = TokenStream(
    tokens=torch.arange(N, dtype=torch.int32) % 7,
    document=torch.arange(N // 40, dtype=torch.int32) + 100,
    start=torch.arange(0, N + 1, 40),
)


def config(**changes: int) -> ExamplesConfig:
    values = {
        "n_top": 3,
        "n_intervals": 4,
        "n_per_interval": 3,
        "context_before": 5,
        "context_after": 2,
        "seed": 0,
    }
    return ExamplesConfig(**(values | changes))


def activations(*, seed: int = 0, density: float = 0.3) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    acts = torch.rand(N_WINDOWS, N_CTX, D_SAE, generator=generator)
    return acts * (torch.rand(acts.shape, generator=generator) < density)


def batches(acts: Tensor, *, batch_size: int) -> list[LatentBatch]:
    position = torch.arange(N).reshape(N_WINDOWS, N_CTX)
    return [
        LatentBatch(rows % 7, (rows + 1) % 7, rows, part, DenseCodes(part.flatten(0, 1)))
        for rows, part in zip(position.split(batch_size), acts.split(batch_size), strict=True)
    ]


def collect(
    acts: Tensor, latents: list[int], *, batch_size: int = 8, **changes: int
) -> pd.DataFrame:
    return collect_examples(
        batches(acts, batch_size=batch_size),
        latents,
        max_activation=acts.amax(dim=(0, 1)),
        stream=STREAM,
        config=config(**changes),
    )


def test_top_examples_are_the_largest_activation_of_each_document():
    acts = activations()
    frame = collect(acts, [3])
    best = acts[..., 3].flatten().unflatten(0, (-1, 40)).amax(dim=1).topk(3)
    top = frame[frame["interval"] == 0]
    assert top["activation"].tolist() == best.values.tolist()
    assert top["document"].tolist() == (best.indices + 100).tolist()
    assert list(frame.columns) == list(schema()["features/examples.parquet"])


def test_the_number_of_top_examples_is_its_own():
    counts = collect(activations(), [2], n_top=7).groupby("interval").size()
    assert counts.tolist() == [7, 3, 3, 3, 3]


def test_with_too_few_documents_the_top_is_filled_from_the_same_ones():
    acts = torch.zeros(N_WINDOWS, N_CTX, D_SAE)
    acts[0, :4, 0] = torch.tensor([1.0, 4.0, 2.0, 3.0])
    for batch_size in (1, 40):
        top = collect(acts, [0], batch_size=batch_size).query("interval == 0")
        assert top["activation"].tolist() == [4.0, 3.0, 2.0]


def test_every_interval_holds_activations_of_its_own_range():
    acts = activations()
    frame = collect(acts, [0, 1, 2]).query("interval > 0")
    maximum = acts.amax(dim=(0, 1)).numpy()[frame["latent"]]
    relative, interval = frame["activation"].to_numpy() / maximum, frame["interval"].to_numpy()
    assert np.all(relative <= (5 - interval) / 4 + 1e-6)
    assert np.all(relative > (4 - interval) / 4 - 1e-6)
    assert frame.groupby(["latent", "interval"]).size().tolist() == [3] * 12


@pytest.mark.parametrize("batch_size", [1, 7, 40])
def test_the_batches_do_not_decide_which_examples_are_drawn(batch_size: int):
    frame = collect(activations(), [4, 0], batch_size=batch_size)
    expected = collect(activations(), [4, 0], batch_size=8)
    pd.testing.assert_frame_equal(frame, expected)


def test_looking_at_more_latents_changes_no_latents_examples():
    frame = collect(activations(), [0, 1, 2, 3]).query("latent == 2").reset_index(drop=True)
    pd.testing.assert_frame_equal(frame, collect(activations(), [2]))


def test_examples_do_not_depend_on_the_scale_of_the_activations():
    frame, doubled = collect(activations(), [1]), collect(2 * activations(), [1])
    assert frame["position"].tolist() == doubled["position"].tolist()


def test_every_token_of_an_interval_is_drawn_equally_often():
    acts = torch.zeros(N_WINDOWS, N_CTX, D_SAE)
    acts[::4, 3, 0] = 1.0
    drawn = pd.concat(
        collect(acts, [0], batch_size=40, seed=seed, n_intervals=1, n_per_interval=5)
        for seed in range(40)
    ).query("interval == 1")
    counts = drawn["position"].value_counts()
    assert len(counts) == 10
    assert counts.min() > 20 - 4 * 10**0.5
    assert counts.max() < 20 + 4 * 10**0.5


def test_context_is_what_stands_around_the_token_in_its_window():
    acts = activations()
    for row in collect(acts, [0, 3]).to_dict("records"):
        window, seq = divmod(row["position"], N_CTX)
        first, stop = max(0, seq - 5), min(N_CTX, seq + 3)
        assert row["offset"] == seq - first
        assert row["tokens"].tolist() == [(window * N_CTX + i) % 7 for i in range(first, stop)]
        assert row["activations"].tolist() == acts[window, first:stop, row["latent"]].tolist()
        assert row["activations"][row["offset"]] == row["activation"]


def test_a_latent_that_never_fires_has_no_examples():
    acts = activations()
    acts[..., 2] = 0
    assert collect(acts, [2, 1])["latent"].unique().tolist() == [1]
    assert collect(torch.zeros_like(acts), [0]).empty


def test_top_tokens_count_the_tokens_of_the_top_examples():
    def row(latent: int, interval: int, token: int) -> dict[str, object]:
        return {"latent": latent, "interval": interval, "offset": 1, "tokens": [9, token, 9]}

    examples = pd.DataFrame(
        [row(5, 0, 3), row(5, 0, 4), row(5, 0, 4), row(5, 1, 3), row(5, 1, 3), row(2, 0, 8)]
    )
    table = top_tokens(examples)
    assert table.values.tolist() == [[2, 8, 1.0], [5, 4, pytest.approx(2 / 3)]]


def test_documents_begin_at_their_separator():
    positions = torch.tensor([0, 39, 40, N - 1])
    assert documents_of(STREAM, positions).tolist() == [100, 100, 101, 115]


@pytest.mark.parametrize("name", ["n_top", "n_intervals", "n_per_interval"])
def test_a_count_below_one_is_refused(name: str):
    with pytest.raises(ValueError, match=f"{name}=0 is below 1"):
        config(**{name: 0})
