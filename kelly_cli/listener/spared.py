"""The cycle collector, told to walk seldom: a listener's objects live long or die without it."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 20_000
"""A batch makes some thousands of objects, and hardly a cycle."""


def spare_the_collector() -> None:
    """Let it walk seldom, and never again what lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
