"""Shared by all tests."""

import os

# Before anything imports them: no test may reach a network, and tokenizers must not fork-warn.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
