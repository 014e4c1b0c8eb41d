"""Whether there is the accelerator that the full scale asks for, and memory enough on it."""

import math
from typing import Any

import torch

from superposition.core.params import Params
from superposition.preflight import GIB, Need, ResourceError

SCALE = "full"
"""The scale that is made for a GPU."""
COPIES = 4
"""Of the weights in float32: themselves, gradients, and Adam's two moments."""
BYTES_PER_PRE_ACTIVATION = 10
"""Of a dense batch: pre-activations in bfloat16, activations and their gradient in float32."""


def check(params: Params, needs: list[Need], *, free: float | int | None = None) -> None:
    """Refuse the full scale in a sentence without a GPU, or where an autoencoder does not fit it.

    `device: cpu` in params.yaml says that a processor is meant. `free` is the memory of the GPU in
    bytes; asked of the driver by default.
    """
    if params.scale != SCALE or params.tree["device"] == "cpu":
        return
    if free is None and not torch.cuda.is_available():
        raise ResourceError(without_gpu(needs))
    available = torch.cuda.mem_get_info()[0] if free is None else free
    d_in = 512
    for row, values in params.value("sweep").items():
        batch = values["shared"]["training"]["batch_size"]
        each = len(values["levels"]) * len(values["seeds"])
        wanted = sum(weights(d_in, d_sae) for d_sae in values["d_sae"]) * each
        widest = max(values["d_sae"])
        if wanted + batch * widest * BYTES_PER_PRE_ACTIVATION > available:
            raise ResourceError(too_small(row, d_in, values, available))


def weights(d_in: int, d_sae: int) -> int:
    """Bytes that training one autoencoder keeps, whatever the batch."""
    return COPIES * 4 * (2 * d_in * d_sae + d_in + d_sae)


def without_gpu(needs: list[Need]) -> str:
    """What the full scale would take here, and how to go on."""
    hours = math.ceil(sum(need.seconds for need in needs) / 3600)
    return (
        f"the scale full is made for a GPU, and torch sees none; on this processor it would take "
        f"about {hours:,} hours. Run the default scale (make reproduce), run it where there is a "
        f"GPU, or set `device: cpu` in params.yaml to run it here all the same"
    )


def too_small(row: str, d_in: int, values: dict[str, Any], available: float | int) -> str:
    """The width and batch of a row of `sweep` that would fit the memory."""
    batch = values["shared"]["training"]["batch_size"]
    each = len(values["levels"]) * len(values["seeds"])
    per_latent = weights(d_in, 1) * each + batch * BYTES_PER_PRE_ACTIVATION
    fitting = [d_sae for d_sae in sorted(values["d_sae"]) if d_sae * per_latent <= available]
    width = fitting[-1] if fitting else int(available / per_latent)
    left = available - sum(weights(d_in, d_sae) for d_sae in values["d_sae"]) * each
    fit_batch = max(int(left / (max(values["d_sae"]) * BYTES_PER_PRE_ACTIVATION)), 0)
    advice = f"a batch of {fit_batch:,} at these widths, or " if fit_batch else ""
    return (
        f"sweep.{row} needs more than the {available / GIB:.1f} GiB of the GPU; what fits: "
        f"{advice}one width of at most {width:,} at a batch of {batch:,} (scales/full.yaml)"
    )
