"""`python -m demo`: exit status 0 when every act was seen, 1 with a sentence when one was not."""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from localcluster import DEMO_FLEET, Cluster, LocalClusterError
from powertrain_operator.kube.client import Client
from rich.console import Console, RenderableType

from demo import install, show, story, view
from demo.interrupts import Interrupted, interruptible
from demo.running import Powertrain, running, scrape
from demo.show import Screen
from demo.world import TookTooLong, World, watched

_SHOWN_METRICS = (
    "powertrain_reconcile_seconds_count",
    "powertrain_gangs_placed_total",
    "powertrain_binds_total{result=bound}",
    "powertrain_decision_seconds_count",
    "powertrain_decision_seconds_sum",
    "powertrain_pool_watts",
)

_WIND_UP_SECONDS = 5.0
"""For what still runs when the demo is over or interrupted."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    # A watch of ours that begins anew is no news to whoever watches the demo.
    logging.getLogger("powertrain_operator").setLevel(logging.ERROR)
    console = Console(force_terminal=False if options.plain else None)
    try:
        with interruptible(), tempfile.TemporaryDirectory(prefix="powertrain-demo-") as scratch:
            demonstrate(console, Path(options.directory or scratch).resolve())
    except (LocalClusterError, TookTooLong) as error:
        print(f"The demo failed: {error}", file=sys.stderr)
        if not options.directory:
            print("Run it with --directory to keep its files and logs.", file=sys.stderr)
        return 1
    except Interrupted as interrupted:
        print(f"Stopped by {interrupted}; nothing is left running.", file=sys.stderr)
        return interrupted.status
    return 0


def demonstrate(console: Console, directory: Path) -> None:
    """The whole demo; whatever it started has ended when this returns or raises."""
    start = time.monotonic()

    def say(sentence: str) -> None:
        console.print(f"{time.monotonic() - start:5.1f} s  {sentence}", markup=False, highlight=False)

    say("starting a local Kubernetes cluster")
    with Cluster.start(directory, log=say) as cluster:
        say(f"the API server answers at {cluster.server}")
        cluster.add_nodes(DEMO_FLEET)
        say("fleet: " + ", ".join(f"{shape.count} {shape.prefix} nodes" for shape in DEMO_FLEET))
        install.custom_resources(cluster)
        install.rights(cluster)
        install.namespace(cluster, story.NAMESPACE)
        apply(cluster, *story.FLEET)
        say("kinds, rights, pools and queues are applied")
        with running(cluster, directory) as powertrain:
            say("powertrain runs as two ServiceAccounts with the chart's rights")
            run(perform(cluster, powertrain, console, start))


def run(main: Coroutine[Any, Any, None]) -> None:
    """`asyncio.run`, but with a bound: a signal may hit any line, and what it hit may not hear that it is to end."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(main)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=_WIND_UP_SECONDS))
        loop.close()


async def perform(cluster: Cluster, powertrain: Powertrain, console: Console, start: float) -> None:
    """The acts one after another, then where everything sits."""
    async with (
        Client.connect(str(cluster.kubeconfig), user_agent="powertrain-demo", concurrency=8) as client,
        watched(client, story.NAMESPACE) as world,
    ):
        with show.screen(console, start) as screen:
            async with show.refreshed(screen, world):
                for act in story.ACTS:
                    await play(act, cluster, powertrain, world, screen)
        conclude(powertrain, world, console)


async def play(
    act: story.Act, cluster: Cluster, powertrain: Powertrain, world: World, screen: Screen
) -> None:
    screen.say(act.announcement)
    if act.manifests:
        await asyncio.to_thread(apply, cluster, *act.manifests)
    try:
        await world.until(act.reached, act.seconds, act.what, powertrain.require_alive)
    except TookTooLong as late:
        raise TookTooLong(f"{late}; the end of Powertrain's log:\n{powertrain.process.tail()}") from None


def apply(cluster: Cluster, *manifests: Path) -> None:
    """`kubectl apply` of these files, in the demo's namespace."""
    files = [f"--filename={path}" for path in manifests]
    cluster.kubectl("apply", f"--namespace={story.NAMESPACE}", *files)


def conclude(powertrain: Powertrain, world: World, console: Console) -> None:
    """Where everything sits, what it draws, and where the metrics are."""

    def print(what: RenderableType) -> None:
        console.print(what, markup=False, highlight=False)

    print("\nWhere everything sits:")
    print(show.node_table(view.node_lines(world)))
    print("\nWhat the pools hold, draw and have used (modelled):")
    print(show.pool_table(view.pool_lines(world.pools.values())))
    for what, url in (("operator", powertrain.operator_url), ("scheduler", powertrain.scheduler_url)):
        figures = scrape(url)
        print(f"\nMetrics of the {what}: {url}/metrics, {len(figures)} figures, among them")
        for name, figure in sorted(figures.items()):
            if name.startswith(_SHOWN_METRICS):
                print(f"  {name} {figure:g}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--plain", action="store_true", help="lines of what changed, on a terminal too")
    parser.add_argument("--directory", help="keep the cluster's files and logs in this empty directory")
    return parser


if __name__ == "__main__":
    sys.exit(main())
