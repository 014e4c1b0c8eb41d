"""What the papers claimed, and what came out here: one module per paper, one function per claim."""
