"""What the papers claimed, and what came out here: one function per claim, by topic."""
