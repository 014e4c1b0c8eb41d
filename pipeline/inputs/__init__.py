"""What several stages load: one file per kind, so that a stage depends only on what it uses."""
