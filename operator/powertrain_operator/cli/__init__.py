"""The `powertrain` command.

Each command imports what it runs when it runs, so that `powertrain version` does not wait for numpy.
"""

from .main import main

__all__ = ["main"]
