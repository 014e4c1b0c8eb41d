import io
from dataclasses import replace

import pytest
import torch

from superposition.core.compute import NoCheckpoint
from superposition.core.store import schema
from superposition.language import training
from superposition.language.training import fit, held_out_loss, learning_rate, shuffle
from superposition.language.transformer import (
    OneLayerTransformer,
    TrainingConfig,
    TransformerConfig,
)
from superposition.language.windows import spread_windows, training_windows

CPU = torch.device("cpu")
TRAINING = TrainingConfig(
    n_tokens=1200,
    batch_size=3,
    lr=1.0e-2,
    lr_warm_up=0.1,
    lr_final=0.1,
    adam_beta_2=0.99,
    weight_decay=0.1,
    grad_clip=1.0,
    log_every=4,
    evaluate_every=8,
    evaluate_tokens=40,
)
CONFIG = TransformerConfig(
    d_model=16,
    d_mlp=24,
    n_heads=2,
    d_head=8,
    n_ctx=8,
    made_from="tokens",
    seed=0,
    held_out_tokens=200,
    training=TRAINING,
)
D_VOCAB = 12


def text(n_tokens: int, *, seed: int) -> torch.Tensor:
    """A noisy count: the next token is often the one before it plus one."""
    generator = torch.Generator().manual_seed(seed)
    steps = 1 + torch.randint(D_VOCAB, (n_tokens,), generator=generator) * (
        torch.rand(n_tokens, generator=generator) < 0.2
    )
    return (steps.cumsum(0) % D_VOCAB).int()


def fitted(config=CONFIG, checkpoint=None, **options):
    return fit(
        config,
        text(400, seed=0),
        held_out=text(300, seed=1),
        d_vocab=D_VOCAB,
        device=CPU,
        checkpoint=checkpoint or NoCheckpoint(),
        **options,
    )


class Killed(Exception):
    pass


class Kept:
    """A checkpoint in memory, through torch.save as on disk, that kills the run at `kill_at`."""

    def __init__(self, kill_at: int) -> None:
        self.kill_at, self.saved, self.bytes = kill_at, 0, b""

    def load(self):
        return torch.load(io.BytesIO(self.bytes), weights_only=True) if self.bytes else None

    def is_due(self):
        return True

    def save(self, state):
        buffer = io.BytesIO()
        torch.save(state, buffer)
        self.bytes, self.saved = buffer.getvalue(), self.saved + 1
        if self.saved == self.kill_at:
            raise Killed


@pytest.fixture(scope="module")
def whole():
    """A run that nobody killed."""
    return fitted()


@pytest.mark.parametrize("kill_at", [1, 18, 33])
def test_a_killed_run_continues_to_the_same_bits(kill_at, whole):
    checkpoint = Kept(kill_at)
    with pytest.raises(Killed):
        fitted(checkpoint=checkpoint)
    resumed = fitted(checkpoint=checkpoint)
    for ours, theirs in zip(resumed.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert resumed.history.equals(whole.history)
    assert resumed.metrics == whole.metrics


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_training_lowers_the_held_out_loss(seed):
    config = replace(CONFIG, seed=seed, training=replace(TRAINING, n_tokens=4800))
    untrained = OneLayerTransformer(config, d_vocab=D_VOCAB)
    before = held_out_loss(untrained, text(300, seed=1), n_tokens=200).nats
    assert fitted(config).metrics.held_out_loss < before - 0.3


def test_the_history_has_the_columns_of_the_schema_and_the_last_step(whole):
    assert list(whole.history) == list(schema()["transformer/history.csv"])
    assert whole.history["step"].tolist() == [*range(4, 50, 4), 50]
    assert whole.history["held_out_loss"].notna().tolist() == [False, True] * 6 + [True]
    assert whole.metrics.n_tokens == 1200
    assert whole.metrics.n_epochs == 3.0


def test_a_loss_that_is_not_a_number_stops_the_run_and_says_where(monkeypatch):
    rates = [1e-2] * 5 + [float("nan")] * 45
    monkeypatch.setattr(training, "learning_rate", lambda step, *_: rates[step])
    with pytest.raises(ValueError, match="loss is nan at step 8 or in the 3 before it"):
        fitted()


def test_a_batch_larger_than_the_text_is_refused():
    config = replace(CONFIG, training=replace(TRAINING, batch_size=50))
    with pytest.raises(ValueError, match="batch_size=50 exceeds the 49 windows of n_ctx=8"):
        fitted(config)


def test_evaluations_fall_on_rows_of_the_history():
    with pytest.raises(ValueError, match="evaluate_every=6 is no multiple of log_every=4"):
        replace(TRAINING, evaluate_every=6)


def test_the_learning_rate_rises_and_falls_to_its_final_fraction():
    rates = [learning_rate(step, 100, TRAINING) for step in range(100)]
    assert rates[:10] == pytest.approx([1e-3 * (i + 1) for i in range(10)])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert learning_rate(100, 100, TRAINING) == pytest.approx(1e-3)


def test_an_epoch_shows_every_window_once_and_two_epochs_differ():
    tokens = torch.arange(1000)
    batches = training_windows(tokens, n_ctx=10, batch_size=9, seed=0)
    epochs = [torch.cat([next(batches) for _ in range(11)]) for _ in range(2)]
    for epoch in epochs:
        assert len(epoch[:, :-1].unique()) == 99 * 10
        assert (epoch.diff(dim=1) == 1).all()
    assert not torch.equal(epochs[0], epochs[1])


def test_training_windows_can_start_anywhere():
    tokens = torch.arange(1000)
    batches = training_windows(tokens, n_ctx=10, batch_size=9, seed=0)
    expected = [next(batches) for _ in range(30)][25]
    later = training_windows(tokens, n_ctx=10, batch_size=9, seed=0, start=25)
    assert torch.equal(next(later), expected)


def test_held_out_windows_predict_every_token_but_the_first_once():
    windows = spread_windows(torch.arange(41), n_ctx=8, n_windows=100)
    assert windows[:, 1:].flatten().tolist() == list(range(1, 41))


def test_the_held_out_loss_is_the_mean_over_its_tokens():
    model = OneLayerTransformer(CONFIG, d_vocab=D_VOCAB)
    tokens = text(41, seed=2)
    logits = model(torch.stack([tokens[i : i + 8] for i in range(0, 40, 8)]))
    log_probabilities = logits.log_softmax(-1).flatten(0, 1)
    expected = -log_probabilities[torch.arange(40), tokens[1:].long()].mean()
    loss = held_out_loss(model, tokens, n_tokens=1000)
    assert loss.nats == pytest.approx(expected.item(), rel=1e-5)
    assert loss.n_tokens == 40


def test_an_untrained_model_with_zero_unembedding_costs_the_log_of_the_vocabulary():
    model = OneLayerTransformer(CONFIG, d_vocab=D_VOCAB)
    torch.nn.init.zeros_(model.head.weight)
    loss = held_out_loss(model, text(100, seed=2), n_tokens=100)
    assert loss.nats == pytest.approx(torch.tensor(float(D_VOCAB)).log().item())
    assert loss.standard_error == pytest.approx(0.0, abs=1e-6)


def test_shuffled_weights_come_with_an_empty_history_and_predict_worse(whole):
    config = replace(CONFIG, made_from="transformer/trained", training=None)
    control = shuffle(whole.model, config, held_out=text(300, seed=1))
    assert len(control.history) == 0
    assert list(control.history.dtypes) == list(whole.history.dtypes)
    assert control.metrics.held_out_loss > whole.metrics.held_out_loss
    with pytest.raises(
        ValueError, match="d_mlp=32 differs from 24 of the row 'transformer/trained'"
    ):
        shuffle(whole.model, replace(config, d_mlp=32), held_out=text(300, seed=1))
