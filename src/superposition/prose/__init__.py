"""The numbers of the prose, by topic: each module has `texts(r)`, which `values` collects."""
