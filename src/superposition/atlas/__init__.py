"""Every unit of a dictionary described in the same way: what the atlas shows of each."""
