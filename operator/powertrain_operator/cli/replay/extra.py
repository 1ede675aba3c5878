"""What only replays need and a plain installation lacks: the extra `replay`."""

import importlib
from typing import Any

import click


def need(module: str, what: str) -> Any:
    """The module; where it is not installed, an error that says how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise click.ClickException(
            f"{what} needs {package}, which is not installed: pip install 'powertrain[replay]'"
        ) from error
