"""What is killed again and again is forked from one process that has imported all it needs."""

from multiprocessing import get_context

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["tests.slow.writers", "tests.slow.serving"])
