"""The kept snapshot: the cluster as the core sees it, brought up to date by every watch event.

What was decided but not seen yet is laid over what was seen: a binding under way counts as used, a
pod told to leave counts as leaving. `snapshot()` is cheap, and is the same object as long as
nothing that a decision could depend on has changed. No I/O, no clock.
"""

from .cache import Cache

__all__ = ["Cache"]
