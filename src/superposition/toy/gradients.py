"""The gradient of the toy models' loss, written out layer by layer: no autograd.

A row of ones below the samples, and one below the hidden states, make the biases columns of the
weights: h = act_h([W^T b_hidden] [x 1]), x_hat = act([W_out b] [h 1]). With n features and m hidden
dimensions that is 10 n m multiplications a sample. Samples without active features are one column
of the batch that counts as many times as there were: the term L_0 of the paper's expansion.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from superposition.toy.data import Batch
from superposition.toy.models import ToyModel


class Gradient:
    """The loss of every instance and its gradient; instances are ordered by source, then the rest.

    The loss is that of `ToyModel.loss`; in the gradient, the L1 norm of the hidden layer, mean over
    samples and times `l1_coefficient`, is added to it.
    """

    def __init__(
        self,
        model: ToyModel,
        importance: Float[Tensor, "instance feature"],
        *,
        n_sources: int,
        batch_size: int,
        l1_coefficient: Float[Tensor, " instance"] | None = None,
    ) -> None:
        instances, features, d_hidden = model.W.shape
        self.model = model
        self.n_models = instances // n_sources
        """Models that share a source of samples."""
        self._scale = importance / (batch_size * features)
        self._into = model.W.new_zeros(instances, d_hidden + 1, features + 1)
        self._into[:, -1, -1] = 1  # makes the row of ones below the hidden states
        self._out = model.W.new_empty(instances, features, d_hidden + 1)
        self._weighted_out = torch.empty_like(self._out)
        self._into_grad = torch.empty_like(self._into)
        self._out_grad = torch.empty_like(self._out)
        columns = self.n_models * (batch_size + 1)
        self._room = {
            name: model.W.new_empty(rows * columns)
            for rows, names in ((features, ("pre_acts", "error")), (d_hidden + 1, ("h", "h_grad")))
            for name in names
        }
        self._penalty = None
        if l1_coefficient is not None and bool((l1_coefficient != 0).any()):
            self._penalty = l1_coefficient.view(-1, 1, 1) / (2 * batch_size)
        for parameter in model.parameters():
            parameter.grad = torch.empty_like(parameter)

    @torch.no_grad()
    def backward_(self, batches: Sequence[Batch]) -> None:
        """Set the gradients of the model's parameters: that of the sum over instances of the loss.

        One batch for each source, shared by its models.
        """
        self._refresh_()
        torch.mul(self._out, self._scale[..., None], out=self._weighted_out)
        for source, batch in enumerate(batches):
            self._backward_source_(self._models(source), batch)
        self._set_grads_()

    @torch.no_grad()
    def loss(self, batches: Sequence[Batch]) -> Float[Tensor, " instance"]:
        """The loss of every instance, without the L1 norm: mean over samples and features."""
        self._refresh_()
        losses = torch.empty_like(self._scale)
        for source, batch in enumerate(batches):
            _, pre_acts = self._forward(self._models(source), batch.x)
            squared = _activated(pre_acts, self.model.output).sub_(self._wanted(batch.x)).square_()
            squared[..., -1] *= batch.n_empty
            torch.sum(squared, -1, out=losses[self._models(source)])
        return (losses * self._scale).sum(-1)

    def _forward(self, models: slice, x: Tensor) -> tuple[Tensor, Tensor]:
        """h above a row of ones, [model d_hidden_and_one column], and what the outputs receive."""
        h = self._buffer("h", self._out.shape[-1], x.shape[1])
        torch.mm(self._into[models].flatten(0, 1), x, out=h.flatten(0, 1))
        if self.model.hidden_activation == "relu":
            h.relu_()
        pre_acts = self._buffer("pre_acts", self._out.shape[-2], x.shape[1])
        return h, torch.bmm(self._out[models], h, out=pre_acts)

    def _backward_source_(self, models: slice, batch: Batch) -> None:
        h, pre_acts = self._forward(models, batch.x)
        error = self._masked_error(pre_acts, batch)
        torch.bmm(error, h.mT, out=self._out_grad[models])
        h_grad = self._buffer("h_grad", h.shape[1], h.shape[2])
        torch.bmm(self._weighted_out[models].mT, error, out=h_grad)
        if self._penalty is not None:
            signs = h[:, :-1].sign()
            signs[..., -1] *= batch.n_empty
            h_grad[:, :-1] += signs.mul_(self._penalty[models])
        if self.model.hidden_activation == "relu":
            torch.ops.aten.threshold_backward.grad_input(h_grad, h, 0, grad_input=h_grad)
        torch.mm(h_grad.flatten(0, 1), batch.x.T, out=self._into_grad[models].flatten(0, 1))

    def _masked_error(self, pre_acts: Tensor, batch: Batch) -> Tensor:
        """(x_hat - wanted) times the derivative of the output unit: [model feature column]."""
        error, wanted = self._buffer("error", *pre_acts.shape[1:]), self._wanted(batch.x)
        match self.model.output:
            case "linear":
                torch.sub(pre_acts, wanted, out=error)
            case "relu":
                torch.sub(pre_acts, wanted, out=error)
                torch.ops.aten.threshold_backward.grad_input(error, pre_acts, 0, grad_input=error)
            case "gelu":
                torch.sub(_activated(pre_acts, "gelu"), wanted, out=error)
                error = torch.ops.aten.gelu_backward(error, pre_acts)
        error[..., -1] *= batch.n_empty
        return error

    def _set_grads_(self) -> None:
        out_grad = self._out_grad.mul_(2 * self._scale[..., None])
        into_grad = self._into_grad.mul_(2)
        into_W, b_hidden = into_grad[:, :-1, :-1].mT, into_grad[:, :-1, -1]
        grads = {"W": into_W, "b": out_grad[..., -1], "b_hidden": b_hidden}
        if self.model.W_out is None:
            grads["W"] = into_W + out_grad[..., :-1]
        else:
            grads["W_out"] = out_grad[..., :-1]
        for name, parameter in self.model.named_parameters():
            assert parameter.grad is not None
            parameter.grad.copy_(grads[name])

    def _refresh_(self) -> None:
        """Take up the model's present parameters."""
        self._into[:, :-1, :-1] = self.model.W.mT
        if self.model.b_hidden is not None:
            self._into[:, :-1, -1] = self.model.b_hidden
        self._out[..., :-1] = self.model.out
        self._out[..., -1] = self.model.b

    def _models(self, source: int) -> slice:
        return slice(source * self.n_models, (source + 1) * self.n_models)

    def _wanted(self, x: Tensor) -> Tensor:
        return x[:-1].abs() if self.model.target == "absolute" else x[:-1]

    def _buffer(self, name: str, n_rows: int, n_columns: int) -> Tensor:
        """The room of that name as [model row column]."""
        return self._room[name][: self.n_models * n_rows * n_columns].view(-1, n_rows, n_columns)


def _activated(pre_acts: Tensor, output: str) -> Tensor:
    """The output of the units; ReLU in place."""
    if output == "gelu":
        return torch.nn.functional.gelu(pre_acts)
    return pre_acts.relu_() if output == "relu" else pre_acts
