"""The static fill of the FGD paper (Weng et al., USENIX ATC 2023), as its authors' simulator does it.

Pods are sorted by name and shuffled; clones drawn from them are appended until they ask for 1.3 times
the fleet's devices; nothing departs, and who fits nowhere is dropped. The nodes get names in random
order, which decides between equals. Their random numbers are Go's: runs of one seed differ from
theirs, means over seeds do not.
"""

import random
from collections.abc import Callable, Sequence

from powertrain_scheduler.plan import Plan
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.replay.openb import account
from powertrain_scheduler.replay.openb import world as worlds
from powertrain_scheduler.replay.openb.account import Curves
from powertrain_scheduler.replay.openb.trace import Arrival, Machine, Shape
from powertrain_scheduler.snapshot import PodGroup, Snapshot

Decide = Callable[[Snapshot, Policy, float], Plan]

ARRIVING = 1.3
"""Devices asked for in all, over those there are."""


def shuffled(pods: Sequence[Arrival], machines: Sequence[Machine], seed: int) -> list[Shape]:
    """The shapes in the order in which they arrive, clones at the end."""
    dice = random.Random(seed)
    order = [pod.shape for pod in sorted(pods, key=lambda pod: pod.name)]
    originals = list(order)
    dice.shuffle(order)
    capacity = 1000 * sum(machine.devices for machine in machines)
    asked = sum(shape.thousandths for shape in order)
    while True:
        clone = dice.choice(originals)
        if asked + clone.thousandths > ARRIVING * capacity:
            return order
        asked += clone.thousandths
        order.append(clone)


def names(machines: Sequence[Machine], seed: int) -> list[str]:
    """A name for each machine, in random order."""
    numbers = list(range(len(machines)))
    random.Random(f"names {seed}").shuffle(numbers)
    return [f"{number:05}-{machine.name}" for number, machine in zip(numbers, machines, strict=True)]


def run(
    machines: Sequence[Machine], pods: Sequence[Arrival], packing: str, seed: int, decide: Decide
) -> Curves:
    """What the fleet comes to as the pods arrive.

    All are decided in one cycle, the oldest first: as nothing departs, that is one after another.
    """
    order = shuffled(pods, machines, seed)
    world = worlds.world(machines, names(machines, seed), [pod.shape for pod in pods])
    groups = arriving(world, order)
    plan = decide(worlds.snapshot(world, groups), worlds.policy(packing, seed), float(len(order)))
    return account.curves(world, order, plan)


def arriving(world: worlds.World, order: Sequence[Shape]) -> dict[str, PodGroup]:
    """A group for each arrival, as old as its place in the line."""
    return {
        name(number): worlds.group(name(number), world.classes[shape], float(number))
        for number, shape in enumerate(order)
    }


def name(number: int) -> str:
    """Of the group that arrives as this one."""
    return f"pod-{number:06}"
