"""Speed, measured: what is done here against the plain way, in one run on one machine."""
