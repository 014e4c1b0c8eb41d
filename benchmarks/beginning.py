"""What the peers' runs begin with."""

import torch

FLOAT32, BFLOAT16 = "float32", "bfloat16 autocast"
"""Number formats that peers offer, as the tables call them."""
PENALTY = 1e-3
"""Weight of what makes codes sparse: a number that costs time and hardly moves the few steps."""


def set_cut(sae: torch.nn.Module, arch: str, cut: float, *, bias: str, gate: str) -> None:
    """Let k latents be active at first, by the architecture's own means."""
    parameters = dict(sae.named_parameters())
    if arch == "l1":
        parameters[bias].fill_(-cut)
    elif arch == "gated":
        parameters[gate].fill_(-cut)
    elif arch == "jumprelu":
        parameters["threshold"].fill_(cut)
