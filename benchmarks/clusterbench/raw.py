"""The plain client: `python -m clusterbench.raw KUBECONFIG ROW SCALE CONCURRENCY`.

Watches its pods and binds each to the node worked out beforehand, at once and in any order. It
decides nothing and checks nothing: how fast it is, is how fast this API server lets pods be bound.
It uses the client and the reflector that Powertrain uses. Runs until it is stopped.
"""

import asyncio
import sys
from collections.abc import Mapping

from powertrain_operator.api.cluster import Pod
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.reflector import Reflector
from powertrain_operator.kube.resources import PODS

from clusterbench import workloads

SCHEDULER = "raw"


async def bind_all(client: Client, places: Mapping[str, str], concurrency: int) -> None:
    """Bind each pod of `places` as soon as it is seen; never returns."""
    unbound: asyncio.Queue[Pod] = asyncio.Queue()

    def seen(key: str, old: Pod | None, new: Pod | None) -> None:
        if old is None and new is not None:
            unbound.put_nowait(new)

    async def bind_forever() -> None:
        while True:
            metadata = (await unbound.get()).metadata
            await client.bind(metadata.namespace, metadata.name, places[metadata.name], uid=metadata.uid)

    fields = f"spec.schedulerName={SCHEDULER},spec.nodeName="
    reflector = Reflector(client, PODS, Pod, fields=fields, on_change=seen)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(reflector.run())
        for _ in range(concurrency):
            tasks.create_task(bind_forever())


async def run(kubeconfig: str, places: Mapping[str, str], concurrency: int) -> None:
    async with Client.connect(kubeconfig, user_agent="bench-raw", concurrency=concurrency) as client:
        await bind_all(client, places, concurrency)


def main() -> None:
    kubeconfig, name, scale, concurrency = sys.argv[1:]
    row = workloads.rows(float(scale))[name]
    nodes = workloads.node_names(row)
    places = dict.fromkeys(workloads.CANARY.pod_names(), nodes[0]) | workloads.assignment(row, nodes)
    asyncio.run(run(kubeconfig, places, int(concurrency)))


if __name__ == "__main__":
    main()
