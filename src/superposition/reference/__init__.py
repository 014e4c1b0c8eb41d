"""Published runs of this repository, and how a reader's own run compares with them."""
