"""Random clusters for the properties: a few racks, three accelerators, a tree of queues, groups that run and wait.

Made from a seed and two sizes, so that a failing example shrinks to a small cluster.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from core.builders import BLOCK, GPU, NOW, RACK, Node, cluster, pending, pod_class, queue, rack, running
from hypothesis import strategies as st
from powertrain_scheduler.snapshot import (
    HostPort,
    PlacedPod,
    PodClass,
    PodGroup,
    Pool,
    Power,
    Queue,
    Quota,
    Snapshot,
    Taint,
    Toleration,
)

NPU = "huawei.com/Ascend910"
H200 = Pool("h200", "h200-sxm", GPU, Power(74.0, 700.0, 500.0, 1200.0, sleeps=True), (BLOCK, RACK))
ASCEND = Pool("npu", "ascend-910b", NPU, Power(90.0, 355.0, 500.0, 320.0), (BLOCK, RACK))
PORT = HostPort("TCP", "0.0.0.0", 80)


def random_cluster(racks: int, groups: int, seed: int) -> Snapshot:
    """A cluster in which what runs fits, and most of which is in use."""
    dice = Random(seed)
    nodes = fleet(dice, racks)
    queues = tree(dice)
    names = [*(each.name for each in queues), "default"]
    free = {node.name: dict(node.amounts) for node in nodes}
    runs = [runner(dice, f"run-{i}", nodes, free, names) for i in range(groups + 2)]
    waits = [waiter(dice, f"wait-{i}", names) for i in range(groups)]
    everyone = [group for group in [*runs, *waits] if group is not None]
    return cluster(tuple(nodes), *queues, *everyone, H200, ASCEND)


clusters = st.builds(
    random_cluster, racks=st.integers(1, 4), groups=st.integers(1, 7), seed=st.integers(0, 2**32 - 1)
)


def fleet(dice: Random, racks: int) -> list[Node]:
    nodes: list[Node] = []
    mixed = dice.random() < 0.5
    for i in range(racks):
        pool = dice.choice(["h100", "h100", "h200", "npu"]) if mixed else "h100"
        taints = [(), (), (), (), (Taint("lab"),), (Taint("old", effect="PreferNoSchedule"),)]
        nodes += rack(
            f"r{i}",
            nodes=dice.randint(1, 3),
            gpu=dice.choice([2, 4, 4]),
            block=f"b{i // 2}",
            pool=pool,
            resource=NPU if pool == "npu" else GPU,
            cpu=dice.choice([4, 64, 64]),
            taints=dice.choice(taints),
            cordoned=dice.random() < 0.05,
        )
    return nodes


def tree(dice: Random) -> list[Queue]:
    """A parent with two children and one beside them, or some of these, mostly with quota."""
    parents = {"team": None, "team-a": "team", "team-b": "team", "other": None}
    chosen = dice.choice([(), ("other",), ("team", "team-a", "team-b"), tuple(parents), tuple(parents)])
    return [
        queue(
            name,
            {a: quota(dice) for a in ("h100-sxm", "h200-sxm", "ascend-910b") if dice.random() < 0.7},
            parent=parents[name],
            weight=dice.choice([0, 1, 1, 3]),
            created=float(dice.randint(0, 2)),
        )
        for name in chosen
    ]


def quota(dice: Random) -> Quota:
    nominal = dice.randint(0, 8)
    lending = dice.choice([None, None, None, 0, 1])
    return Quota(
        nominal, dice.choice([None, None, None, 0, 2]), None if lending is None else min(lending, nominal)
    )


def some_class(dice: Random) -> PodClass:
    more: dict[str, Any] = {}
    if dice.random() < 0.3:
        more["tolerations"] = (Toleration("lab", "Exists"),)
    if dice.random() < 0.05:
        more["selector"] = {RACK: "r0"}
    if dice.random() < 0.1:
        more["host_ports"] = (PORT,)
    resource = dice.choice([GPU, GPU, GPU, GPU, GPU, NPU])
    if dice.random() < 0.2:
        return pod_class(0, cpu=500, share=(resource, dice.choice([200, 400, 500, 700])), **more)
    gpu, cpu = dice.choice([0, 1, 1, 1, 2, 2, 4]), dice.choice([0, 500, 1000])
    return pod_class(gpu, cpu=cpu, resource=resource, **more)


def waiter(dice: Random, name: str, queues: Sequence[str]) -> PodGroup:
    workers = dice.choice([1, 1, 2, 2, 3, 4])
    return pending(
        name,
        workers,
        of=some_class(dice),
        also=[some_class(dice)] if dice.random() < 0.2 else [],
        min_member=workers if dice.random() < 0.6 else dice.randint(1, workers),
        created=float(dice.randint(0, 3)),
        required=dice.choice([None, None, None, RACK, BLOCK]),
        preferred=dice.choice([None, None, None, RACK, BLOCK]),
        excluded=["r0-0"] if dice.random() < 0.05 else [],
        **owner(dice, queues),
    )


def runner(
    dice: Random, name: str, nodes: Sequence[Node], free: dict[str, dict[str, int]], queues: Sequence[str]
) -> PodGroup | None:
    """A group that runs where there was room for it, in one pool; sometimes it leaves, or has lost a member."""
    of = some_class(dice)
    on: list[Node] = []
    devices: list[str] = []
    for node in dice.choices(nodes, k=dice.randint(1, 4)):
        if (not on or node.pool == on[0].pool) and _takes(node, of, free[node.name]):
            on.append(node)
            devices.append(_share(of, free[node.name]))
            for resource, amount in of.request:
                free[node.name][resource] -= amount
            free[node.name]["port"] = 0 if of.host_ports else free[node.name].get("port", 1)
    if not on:
        return None
    group = running(
        name,
        [node.name for node in on],
        of=of,
        min_member=len(on) if dice.random() < 0.6 else dice.randint(1, len(on)),
        started=NOW - dice.choice([1.0, 20.0, 50.0, 400.0]),
        waiting=dice.choice([0, 0, 0, 0, 1]),
        **owner(dice, queues),
    )
    placed = tuple(replace(pod, device=name) for pod, name in zip(group.placed, devices, strict=True))
    return replace(group, placed=_leaving(dice, placed))


def _leaving(dice: Random, placed: tuple[PlacedPod, ...]) -> tuple[PlacedPod, ...]:
    chance = dice.random()
    if chance < 0.1:
        return tuple(replace(pod, leaving=True) for pod in placed)
    if chance < 0.15:
        return (*placed[:-1], replace(placed[-1], leaving=True))
    return placed


def _takes(node: Node, of: PodClass, free: dict[str, int]) -> bool:
    fits = all(free.get(resource, 0) >= amount for resource, amount in of.request)
    if of.share:
        resource, part = of.share
        split = [left for name, left in free.items() if name.startswith(f"{resource}#")]
        fits &= free.get(resource, 0) > 0 or any(left >= part for left in split)
    tolerated = bool(of.tolerations) or all(taint.effect != "NoSchedule" for taint in node.taints)
    chosen = not of.node_selector or node.labels[RACK] == "r0"
    return fits and tolerated and chosen and not (of.host_ports and free.get("port", 1) == 0)


def _share(of: PodClass, free: dict[str, int]) -> str:
    """The name of the device the share is taken from: one split already, or else a new one."""
    if of.share is None:
        return ""
    resource, part = of.share
    split = sorted(name for name in free if name.startswith(f"{resource}#"))
    key = next((name for name in split if free[name] >= part), f"{resource}#{len(split)}")
    if key not in free:
        free[resource] -= 1
    free[key] = free.get(key, 1000) - part
    return key.rsplit("#")[-1]


def owner(dice: Random, queues: Sequence[str]) -> dict[str, Any]:
    return {
        "queue": dice.choice(list(queues)),
        "priority": dice.randint(0, 2),
        "preemptible": dice.random() < 0.8,
        "expected_seconds": dice.choice([None, 30.0, 100.0, 500.0]),
        "maximum_seconds": dice.choice([None, None, None, 200.0]),
    }
