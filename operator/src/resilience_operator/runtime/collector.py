"""Python's garbage collector, set for a process that holds much and leaves little behind.

With its defaults every few hundred new objects start a collection, and the full ones among them
walk all that thousands of policies hold: a tenth of a second each in which no probe starts, and a
seventh of the CPU time. Here nearly everything is freed by its reference count; what is left for
the collector are the cycles of failed requests, which can wait until there are many of them.
"""

import gc

THRESHOLDS = (50_000, 20, 100)


def calm_down() -> None:
    """Collect rarely from now on, and never again look at what exists already: the modules."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
