"""`powertrain replay`: traces through the scheduler on a virtual clock, beside policies of the literature."""

import click

from .jobs import jobs
from .openb import openb


@click.group()
def replay() -> None:
    """Run a trace on a virtual clock and compare policies. Touches no cluster."""


replay.add_command(jobs)
replay.add_command(openb)
