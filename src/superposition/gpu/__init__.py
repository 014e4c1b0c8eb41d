"""Triton kernels: imported only where there is a GPU, because Triton comes with torch for it."""
