"""The loss of x_hat = ReLU(W^T W x + b) on finite sets of sparse points, and its gradient by hand.

With few active features in a point, h = W x and every product with x are sums over short lists.
What remains is one pass over the T x n outputs, made in blocks that stay in the processor's cache:
the outputs, their products with h (gradient of W and b where they leave the hidden layer) and with
W (gradient of h). Outputs are wanted to be 0 almost everywhere, so the few places where they are
not are corrected afterwards.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from superposition.toy.point_sets import PointSet

BLOCK = 2**18
"""Outputs computed together, 1 MB: they stay in the cache until they are used up."""


BLOCK_ON_GPU = 2**27
"""Outputs computed together on a GPU: enough to keep it busy."""


class Block(NamedTuple):
    """Some points of some models whose outputs are computed together."""

    models: slice
    points: slice
    active: Int[Tensor, " active"]
    """Where among the block's outputs those are that should not be 0."""
    entries: slice
    """Which of all active entries these are."""


class PointGradient:
    """The loss of every model on its own points, and its gradient.

    `weights` holds W, and below it b: [model d_hidden_and_one feature]. All models have the same
    number of points. The loss is the squared error summed over features, mean over points, so that
    a model that always answers 0 has the loss 1.
    """

    def __init__(
        self, weights: Float[Tensor, "model row feature"], sets: Sequence[PointSet]
    ) -> None:
        self.weights = weights
        self.n_models, rows, self.n_features = weights.shape
        self.n_points = sets[0].n_points
        self._blocks = list(_blocks(sets, _block_size(weights)))
        self._h = weights.new_ones(self.n_models, self.n_points, rows)
        self._h_grad = torch.empty_like(self._h[..., :-1])
        self._index_(sets)
        largest = max(_size(block) for block in self._blocks) * self.n_features
        self._room = weights.new_empty(largest)
        self._acts = torch.empty_like(self._value)
        if weights.grad is None:
            weights.grad = torch.zeros_like(weights)

    def _index_(self, sets: Sequence[PointSet]) -> None:
        """The active entries of all models' points, by point and by feature."""
        n, T = self.n_features, self.n_points
        entries = self._h.new_tensor([len(each.value) for each in sets]).long()
        ends = entries.cumsum(0)
        models = torch.arange(len(sets), device=self._h.device)
        which = torch.repeat_interleave(models, entries)
        self._value = torch.cat([each.value for each in sets]).to(self.weights)
        self._row = torch.cat([each.feature for each in sets]) + which * n
        self._start = torch.cat(
            [each.start + end - len(each.value) for each, end in zip(sets, ends, strict=True)]
        )
        point = torch.cat([each.points() for each in sets]) + which * T
        self._order = self._row.argsort(stable=True)
        self._point = point[self._order]
        self._value_by_feature = self._value[self._order]
        counts = torch.bincount(self._row, minlength=len(sets) * n)
        self._start_by_feature = counts.cumsum(0) - counts

    @torch.no_grad()
    def backward_(self) -> None:
        """Set the gradient of `weights`: that of the sum over models of the loss."""
        rows = self._refresh_()
        grad = self.weights.grad
        assert grad is not None
        grad.zero_()
        for block in self._blocks:
            acts, models = self._outputs(block), block.models
            torch.index_select(acts.flatten(), 0, block.active, out=self._acts[block.entries])
            grad[models].baddbmm_(self._h[models, block.points].mT, acts)
            self._h_grad[models, block.points] = torch.bmm(self.weights[models, :-1], acts.mT).mT
        wanted = self._value * (self._acts > 0)
        out = self._by_feature(self._h.flatten(0, 1), wanted.index_select(0, self._order))
        h_grad = self._h_grad.flatten(0, 1) - self._by_point(rows, wanted)
        into = self._by_feature(h_grad, self._value_by_feature)
        grad -= out.unflatten(0, (self.n_models, -1)).mT
        grad[:, :-1] += into.unflatten(0, (self.n_models, -1)).mT
        grad *= 2 / self.n_points

    def _refresh_(self) -> Tensor:
        """Compute the hidden vectors; the directions of all features as rows."""
        rows = self.weights[:, :-1].mT.flatten(0, 1).contiguous()
        self._h[..., :-1] = self._by_point(rows, self._value).view_as(self._h_grad)
        return rows

    def _outputs(self, block: Block) -> Tensor:
        """x_hat of a block: [model point feature]."""
        h, weights = self._h[block.models, block.points], self.weights[block.models]
        room = self._room[: _size(block) * self.n_features].view(*h.shape[:2], -1)
        return torch.bmm(h, weights, out=room).relu_()

    def _by_point(self, rows: Tensor, value: Tensor) -> Tensor:
        """Sums over each point's active features of `rows` times `value`."""
        return functional.embedding_bag(
            self._row, rows, self._start, mode="sum", per_sample_weights=value
        )

    def _by_feature(self, rows: Tensor, value: Tensor) -> Tensor:
        """Sums over the points in which a feature is active of `rows` times `value`."""
        return functional.embedding_bag(
            self._point, rows, self._start_by_feature, mode="sum", per_sample_weights=value
        )


@torch.no_grad()
def squared_errors(
    weights: Float[Tensor, "row feature"], points: PointSet
) -> Float[Tensor, " point"]:
    """The squared error of one model at each point, sum over features: the loss is its mean."""
    h = points.hidden(weights[:-1].mT.contiguous())
    errors = []
    size = max(1, _block_size(weights) // points.n_features)
    for first in range(0, points.n_points, size):
        part = slice(first, min(first + size, points.n_points))
        x_hat = torch.addmm(weights[-1], h[part], weights[:-1]).relu_()
        entries = slice(int(points.ends()[part.start]), int(points.ends()[part.stop]))
        x_hat.flatten()[_active(points, part, 0)] -= points.value[entries]
        errors.append(x_hat.square_().sum(1))
    return torch.cat(errors)


def _block_size(weights: Tensor) -> int:
    return BLOCK if weights.device.type == "cpu" else BLOCK_ON_GPU


def _size(block: Block) -> int:
    """Points of all models in a block."""
    return (block.models.stop - block.models.start) * (block.points.stop - block.points.start)


def _blocks(sets: Sequence[PointSet], size: int) -> Iterator[Block]:
    """Whole models while they are small, otherwise parts of one model's points."""
    T, n = sets[0].n_points, sets[0].n_features
    n_models, n_points = max(1, size // (T * n)), min(T, max(1, size // n))
    first = 0
    for models in (slice(i, min(i + n_models, len(sets))) for i in range(0, len(sets), n_models)):
        for start in range(0, T, n_points):
            points = slice(start, min(start + n_points, T))
            active = torch.cat(
                [
                    _active(each, points, index * (points.stop - points.start))
                    for index, each in enumerate(sets[models])
                ]
            )
            yield Block(models, points, active, slice(first, first + len(active)))
            first += len(active)


def _active(each: PointSet, points: slice, above: int) -> Tensor:
    """Where the active entries of some points are, below `above` rows of outputs."""
    entries = slice(int(each.ends()[points.start]), int(each.ends()[points.stop]))
    rows = each.points()[entries] - points.start + above
    return rows * each.n_features + each.feature[entries]
