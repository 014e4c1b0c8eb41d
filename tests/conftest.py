"""Shared by all tests."""

import os

# Before anything imports them: no test may reach a network, and tokenizers must not fork-warn.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Two threads that contend for busy cores spin longer than they work.
os.environ.setdefault("OMP_NUM_THREADS", "1")
