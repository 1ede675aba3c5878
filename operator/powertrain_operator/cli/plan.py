"""`powertrain plan` and `powertrain explain`: read, ask the core, print."""

import asyncio
import sys
from difflib import get_close_matches

import click
from powertrain_scheduler.policy import Policy

from powertrain_operator.kube.client import Client
from powertrain_operator.kube.errors import ApiError, ConfigError
from powertrain_operator.placement.world import files, live
from powertrain_operator.placement.world import records as world_records
from powertrain_operator.placement.world.build import World, build
from powertrain_operator.placement.world.complaints import BadInput
from powertrain_operator.placement.world.forecast import forecast

from . import records, render

BAD_INPUT = 2


def run(
    paths: tuple[str, ...], kubeconfig: str | None, output: str, now: float, recorded: bool = False
) -> None:
    """Print the forecast to standard output, notes and mistakes to standard error.

    Without paths the live cluster is read; `now` is in seconds since the epoch. Programs get decision
    records always, people if they want them `recorded`.
    """
    world = _world(paths, kubeconfig, now)
    recorded = recorded or output != "table"
    click.echo(render.FORMATS[output](forecast(world, Policy(), now, recorded=recorded)), nl=False)


def explain(target: str, paths: tuple[str, ...], kubeconfig: str | None, output: str, now: float) -> None:
    """Print the decision record of one group, `namespace/name` or a name in the namespace `default`."""
    world = _world(paths, kubeconfig, now)
    namespace, _, name = target.rpartition("/")
    namespace = namespace or "default"
    group = world_records.find(world, namespace, name)
    if group is None:
        there = world_records.known(world, namespace)
        near = get_close_matches(name, there, n=3, cutoff=0.4) or there
        shown = ", ".join(near[:3]) + (f" and {len(near) - 3} more" if len(near) > 3 else "")
        hint = f"; there is {shown}" if near else ""
        click.echo(f"error: no PodGroup or pod {namespace}/{name} is among the input{hint}", err=True)
        sys.exit(BAD_INPUT)
    click.echo(records.FORMATS[output](world_records.one(world, Policy(), now, group)), nl=False)


def _world(paths: tuple[str, ...], kubeconfig: str | None, now: float) -> World:
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
    return world


async def _live(kubeconfig: str | None) -> World:
    async with Client.connect(kubeconfig, user_agent="powertrain-plan") as client:
        return await live.read(client)
