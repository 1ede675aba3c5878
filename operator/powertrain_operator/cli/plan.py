"""`powertrain plan`: read, ask the core, print."""

import asyncio
import sys

import click
from powertrain_scheduler.policy import Policy

from powertrain_operator.kube.client import Client
from powertrain_operator.kube.errors import ApiError, ConfigError
from powertrain_operator.placement.world import files, live
from powertrain_operator.placement.world.build import World, build
from powertrain_operator.placement.world.complaints import BadInput
from powertrain_operator.placement.world.forecast import forecast

from . import render

BAD_INPUT = 2


def run(paths: tuple[str, ...], kubeconfig: str | None, output: str, now: float) -> None:
    """Print the forecast to standard output, notes and mistakes to standard error.

    Without paths the live cluster is read; `now` is in seconds since the epoch.
    """
    try:
        world = build(files.read(paths, sys.stdin), now) if paths else asyncio.run(_live(kubeconfig))
    except BadInput as bad:
        for complaint in bad.complaints:
            click.echo(f"error: {complaint}", err=True)
        sys.exit(BAD_INPUT)
    except (ApiError, ConfigError) as failure:
        raise click.ClickException(f"the cluster cannot be read: {failure}") from failure
    for note in world.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(render.FORMATS[output](forecast(world, Policy(), now)), nl=False)


async def _live(kubeconfig: str | None) -> World:
    async with Client.connect(kubeconfig, user_agent="powertrain-plan") as client:
        return await live.read(client)
