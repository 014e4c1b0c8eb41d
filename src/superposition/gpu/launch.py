"""What every Triton kernel here needs."""

import inspect
from collections.abc import Callable
from typing import Any

import triton  # pyright: ignore[reportMissingImports]


def kernel(function: Callable[..., Any]) -> Any:
    """`function` in Triton's language, compiled for the GPU when it is first called.

    The tests wrap every function to check shapes; Triton needs the one inside.
    """
    return triton.jit(inspect.unwrap(function))
