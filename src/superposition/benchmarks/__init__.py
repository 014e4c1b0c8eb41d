"""Speed, measured: what is done here against the plain way and the peers', in one run."""
