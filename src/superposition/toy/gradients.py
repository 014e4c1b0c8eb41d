"""The gradient of the toy models' loss, written out: a few large matrix products, no autograd.

With G = W W^T, the pre-activations of all seeds of one density are one product, [G b] [x 1]^T, and
the gradient of [G b] is one more. Samples without active features all give ReLU(b) and enter as a
count: the term L_0 of the paper's expansion of the loss in the number of active features.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from superposition.toy.data import Batch
from superposition.toy.models import ToyModel


class FusedLoss:
    """The loss of every instance and its gradient; instances are ordered by density, then seed."""

    def __init__(
        self,
        model: ToyModel,
        importance: Float[Tensor, " feature"],
        *,
        n_densities: int,
        batch_size: int,
    ) -> None:
        self.model = model
        self.n_densities = n_densities
        self.importance = importance
        instances, features, _ = model.W.shape
        self.n_seeds = instances // n_densities
        self._scale = (importance / (batch_size * features))[:, None]
        self._gram = model.W.new_empty(instances, features, features)
        self._affine = model.W.new_empty(instances, features, features + 1)
        self._affine_grad = torch.empty_like(self._affine)
        self._pre_acts = model.W.new_empty(self.n_seeds * features * batch_size)
        self._error = torch.empty_like(self._pre_acts)
        model.W.grad = torch.empty_like(model.W)
        model.b.grad = torch.empty_like(model.b)

    @torch.no_grad()
    def backward_(self, batches: Sequence[Batch], n_empty: Int[Tensor, " density"]) -> None:
        """Set the gradients of the model's parameters: that of the sum over instances of the loss.

        One batch for each density, shared by its seeds.
        """
        W, features = self.model.W, self.model.W.shape[1]
        per_density = self._refresh_affine_()
        grads = self._affine_grad.view(per_density.shape)
        for affine, grad, batch in zip(per_density, grads, batches, strict=True):
            error = self._masked_error(affine, batch.x)
            torch.mm(error, batch.x.T, out=grad)
        grad = self._affine_grad
        grad[..., features] += self._on_empty(n_empty)
        grad *= 2 * self._scale
        gram_grad = grad[..., :features]
        assert W.grad is not None
        assert self.model.b.grad is not None
        torch.bmm(gram_grad + gram_grad.mT, W, out=W.grad)
        self.model.b.grad.copy_(grad[..., features])

    @torch.no_grad()
    def loss(
        self, batches: Sequence[Batch], n_empty: Int[Tensor, " density"]
    ) -> Float[Tensor, " instance"]:
        """The loss of every instance: mean over samples and features."""
        squared_errors = torch.empty_like(self.model.b).view(self.n_densities, -1)
        affines = self._refresh_affine_()
        for sums, affine, batch in zip(squared_errors, affines, batches, strict=True):
            x_hat, x = self._pre_activations(affine, batch.x), batch.x[:-1]
            if self.model.output == "relu":
                x_hat.relu_()
            squared = (x_hat.view(self.n_seeds, *x.shape) - x).square_()
            torch.sum(squared.flatten(0, 1), 1, out=sums)
        total = squared_errors.view_as(self.model.b) + self._on_empty(n_empty, power=2)
        return total @ self._scale.squeeze(1)

    def _refresh_affine_(self) -> Tensor:
        """[G b] of all instances, density by density, with the seeds' features as rows."""
        W, features = self.model.W, self.model.W.shape[1]
        torch.bmm(W, W.mT, out=self._gram)
        self._affine[..., :features] = self._gram
        self._affine[..., features] = self.model.b
        return self._affine.view(self.n_densities, self.n_seeds * features, features + 1)

    def _pre_activations(self, affine: Tensor, x: Tensor) -> Tensor:
        rows, columns = affine.shape[0], x.shape[1]
        pre_acts = self._pre_acts[: rows * columns].view(rows, columns)
        return torch.mm(affine, x, out=pre_acts)

    def _masked_error(self, affine: Tensor, x: Tensor) -> Tensor:
        """x_hat - x where the output unit is active, else 0."""
        pre_acts = self._pre_activations(affine, x)
        error = self._error[: pre_acts.numel()].view_as(pre_acts)
        by_seed = (self.n_seeds, x.shape[0] - 1, x.shape[1])
        torch.sub(pre_acts.view(by_seed), x[:-1], out=error.view(by_seed))
        if self.model.output == "relu":
            torch.ops.aten.threshold_backward.grad_input(error, pre_acts, 0, grad_input=error)
        return error

    def _on_empty(self, n_empty: Tensor, *, power: int = 1) -> Tensor:
        """x_hat**power summed over the samples in which every feature is absent."""
        x_hat = self.model.b.relu() if self.model.output == "relu" else self.model.b
        by_density = x_hat.view(self.n_densities, -1) ** power
        return (by_density * n_empty[:, None]).view_as(self.model.b)
