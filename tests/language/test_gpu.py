"""The transformer on a GPU: the processor's results, up to rounding."""

import pytest
import torch
from tests.conftest import NO_GPU
from tests.language.test_transformer_training import CONFIG, D_VOCAB, text

from superposition.core.compute import NoCheckpoint
from superposition.language import training
from superposition.language.activations import ActivationsConfig, cache_activations, layout
from superposition.language.cross_entropy import mean_cross_entropy
from superposition.language.transformer import OneLayerTransformer
from superposition.shard_writer import ShardWriter
from superposition.shards import ShardReader

pytestmark = NO_GPU
CPU, GPU = torch.device("cpu"), torch.device("cuda")


def fitted(device, **options):
    return training.fit(
        CONFIG,
        text(400, seed=0),
        held_out=text(300, seed=1),
        d_vocab=D_VOCAB,
        device=device,
        checkpoint=NoCheckpoint(),
        **options,
    )


def test_a_training_takes_the_course_it_takes_on_the_processor():
    ours, theirs = (fitted(device) for device in (GPU, CPU))
    for name in ("train_loss", "held_out_loss", "lr"):
        found, expected = (torch.tensor(each.history[name].to_numpy()) for each in (ours, theirs))
        torch.testing.assert_close(found, expected, rtol=5e-2, atol=5e-2, equal_nan=True)
    assert ours.model.device.type == "cuda"


def test_replayed_steps_are_those_that_are_made_one_by_one(monkeypatch):
    ours = fitted(GPU)
    monkeypatch.setattr(training, "Recorded", lambda step: step)
    theirs = fitted(GPU)
    for name in ("train_loss", "held_out_loss", "grad_norm", "lr"):
        found, expected = (torch.tensor(each.history[name].to_numpy()) for each in (ours, theirs))
        torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-3, equal_nan=True)


def test_a_loss_that_is_not_a_number_is_refused(monkeypatch):
    monkeypatch.setattr(training, "learning_rate", lambda *_: float("nan"))
    with pytest.raises(ValueError, match="loss is nan at step"):
        fitted(GPU)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_loss_trained_on_has_the_value_and_gradients_of_the_plain_one(dtype):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(50, 16, generator=generator).to(GPU).requires_grad_()
    W_U = torch.randn(16, 40, generator=generator).to(GPU).requires_grad_()
    targets = torch.randint(40, (50,), generator=generator).to(GPU)
    plain = torch.nn.functional.cross_entropy(x @ W_U, targets)
    expected = torch.autograd.grad(plain, [x, W_U])
    loss = mean_cross_entropy(x, W_U, targets, dtype=dtype)
    found = torch.autograd.grad(loss, [x, W_U])
    error = 1e-5 if dtype == torch.float32 else 3e-2
    torch.testing.assert_close(loss, plain, rtol=error, atol=error)
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours - theirs).norm() < error * theirs.norm()


def test_cached_activations_are_those_of_the_processor_and_stay_on_the_gpu(tmp_path):
    config = ActivationsConfig(
        transformer="tiny", n_tokens=300, skip_first=1, rows_per_shard=70, batch_size=4, seed=0
    )
    model, tokens = OneLayerTransformer(CONFIG, d_vocab=D_VOCAB), text(400, seed=0)
    for device in (CPU, GPU):
        with ShardWriter(tmp_path / device.type, layout(config, d_mlp=24)) as writer:
            cache_activations(
                config,
                model.to(device),
                tokens,
                document=torch.zeros(1, dtype=torch.int32),
                start=torch.tensor([0, 400]),
                writer=writer,
            )
    ours, theirs = (ShardReader(tmp_path / name, GPU) for name in ("cuda", "cpu"))
    found, expected = (
        list(reader.source(32, n_epochs=2, n_batches=18)(0)) for reader in (ours, theirs)
    )
    assert len(found) == 18
    torch.testing.assert_close(torch.cat(found), torch.cat(expected), rtol=1e-2, atol=1e-2)
    assert found[0].device.type == "cuda"
    again = list(ours.source(32, n_epochs=2)(3))
    assert torch.equal(again[0], found[3])
