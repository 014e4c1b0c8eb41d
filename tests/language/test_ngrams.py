from collections import Counter

import numpy as np
import pytest
import torch

from superposition.language.ngrams import (
    FALLBACK_DISCOUNTS,
    discounts,
    fit_ngrams,
    ngram_losses,
    token_probabilities,
)

D_VOCAB = 7


def toy_stream(n: int, seed: int) -> torch.Tensor:
    """Skewed tokens of a vocabulary whose last token never occurs."""
    weights = torch.tensor([8.0, 4, 2, 1, 1, 0.05])
    generator = torch.Generator().manual_seed(seed)
    return torch.multinomial(weights, n, replacement=True, generator=generator).int()


def naive(train: list[int], context: list[int], token: int, *, highest: bool) -> float:
    """Interpolated Kneser-Ney, one n-gram at a time, with dicts."""
    length = len(context) + 1
    if highest:
        grams = Counter(tuple(train[i : i + length]) for i in range(len(train) - length + 1))
    else:
        longer = {tuple(train[i : i + length + 1]) for i in range(len(train) - length)}
        grams = Counter(gram[1:] for gram in longer)
    every = grams.values() if context else [grams[(token,)] for token in range(D_VOCAB)]
    taken = discounts(np.array(list(every)))
    lower = naive(train, context[1:], token, highest=False) if context else 1 / D_VOCAB
    follow = {gram: count for gram, count in grams.items() if list(gram[:-1]) == context}
    total = sum(follow.values())
    if total == 0:
        return lower
    count = grams[(*context, token)]
    left_over = sum(taken[min(other, 3)] for other in follow.values()) / total
    return (count - taken[min(count, 3)]) / total + left_over * lower


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_probabilities_equal_those_of_a_naive_implementation(order: int) -> None:
    train, held_out = toy_stream(150, 0), toy_stream(20, 1)
    model = fit_ngrams(train, order=order, d_vocab=D_VOCAB)
    ours = token_probabilities(model, held_out, order=order)[order - 1 :]
    stream = held_out.tolist()
    expected = [
        naive(train.tolist(), stream[end - order + 1 : end], stream[end], highest=True)
        for end in range(order, len(stream))
    ]
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("context", [[0, 0, 0, 0], [1, 0, 2, 0], [5, 5, 4, 5], [0, 0, 0, 6]])
def test_probabilities_sum_to_one_whether_or_not_the_context_was_seen(
    order: int, context: list[int]
) -> None:
    model = fit_ngrams(toy_stream(400, 0), order=5, d_vocab=D_VOCAB)
    streams = [torch.tensor([*context, token]) for token in range(D_VOCAB)]
    probabilities = [token_probabilities(model, stream, order=order)[-1] for stream in streams]
    assert min(probabilities) > 0
    assert sum(probabilities) == pytest.approx(1)


def test_a_lower_order_of_a_larger_model_is_the_model_of_that_order() -> None:
    train, held_out = toy_stream(300, 0), toy_stream(50, 1)
    of_five = token_probabilities(fit_ngrams(train, order=5, d_vocab=D_VOCAB), held_out, order=3)
    of_three = token_probabilities(fit_ngrams(train, order=3, d_vocab=D_VOCAB), held_out, order=3)
    np.testing.assert_array_equal(of_five, of_three)


def test_the_unigram_loss_is_the_cross_entropy_of_counts_plus_one() -> None:
    train = torch.tensor([0, 1, 1, 2, 2, 2])
    losses = ngram_losses(train, torch.tensor([0, 2, 3]), d_vocab=4)
    assert losses.unigram == pytest.approx(-(np.log(4 / 10) + np.log(1 / 10)) / 2)
    assert losses.n_tokens == 2


def test_on_a_markov_chain_context_helps_up_to_the_entropy_rate() -> None:
    rng = np.random.default_rng(0)
    transitions = rng.dirichlet(np.full(5, 0.3), size=5)
    stream = [0]
    for draw in rng.random(60_000):
        stream.append(int(np.searchsorted(transitions[stream[-1]].cumsum()[:-1], draw)))
    tokens = torch.tensor(stream)
    share = np.bincount(stream) / len(stream)
    entropy_rate = -(share[:, None] * transitions * np.log(transitions)).sum()
    losses = ngram_losses(tokens[:50_000], tokens[50_000:], d_vocab=5)
    assert losses.unigram > losses.bigram + 0.2
    assert losses.bigram == pytest.approx(entropy_rate, abs=0.03)
    assert losses.trigram == pytest.approx(losses.bigram, abs=0.01)
    assert losses.five_gram == pytest.approx(losses.bigram, abs=0.05)


def test_five_tokens_of_memory_beat_two_where_the_text_repeats_itself() -> None:
    sentence = toy_stream(500, 0)
    losses = ngram_losses(sentence.repeat(3), sentence, d_vocab=D_VOCAB)
    assert losses.five_gram < losses.trigram < losses.bigram < losses.unigram


def test_renaming_the_tokens_changes_no_loss() -> None:
    train, held_out = toy_stream(300, 0), toy_stream(100, 1)
    names = torch.tensor([3, 6, 0, 5, 1, 2, 4])
    before = ngram_losses(train, held_out, d_vocab=D_VOCAB)
    after = ngram_losses(names[train], names[held_out], d_vocab=D_VOCAB)
    assert after == pytest.approx(before)


def test_discounts_are_chen_and_goodmans() -> None:
    counts = np.repeat([1, 2, 3, 4, 9], [40, 20, 10, 6, 5])
    y = 40 / (40 + 2 * 20)
    expected = [0, 1 - 2 * y * 20 / 40, 2 - 3 * y * 10 / 20, 3 - 4 * y * 6 / 10]
    np.testing.assert_allclose(discounts(counts), expected)


def test_without_rare_ngrams_the_discounts_fall_back_to_fixed_ones() -> None:
    assert tuple(discounts(np.array([7, 8, 9]))) == (0.0, *FALLBACK_DISCOUNTS)


def test_no_discount_is_zero_or_negative_so_that_nothing_is_impossible() -> None:
    few_threes = np.repeat([1, 2, 3, 4], [10, 10, 1, 50])
    assert min(discounts(few_threes)[1:]) > 0
    assert discounts(few_threes)[3] == FALLBACK_DISCOUNTS[2]


def test_an_order_that_was_not_counted_is_refused() -> None:
    model = fit_ngrams(toy_stream(20, 0), order=2, d_vocab=D_VOCAB)
    with pytest.raises(ValueError, match="order=3 is not between 1 and 2"):
        token_probabilities(model, toy_stream(5, 1), order=3)
