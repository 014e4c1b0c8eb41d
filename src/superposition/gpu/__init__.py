"""What only a GPU needs: kernels in Triton, which comes with torch for it; replayed steps."""
