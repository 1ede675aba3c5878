"""The trace as a snapshot: a node each, a pool for each model of device, a group for each pod."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from powertrain_scheduler.policy import Policy
from powertrain_scheduler.replay.openb.trace import Machine, Shape
from powertrain_scheduler.snapshot import (
    NodeFacts,
    NodeTerm,
    Pod,
    PodClass,
    PodGroup,
    Pool,
    Power,
    Queue,
    Requirement,
    Snapshot,
)

DEVICE, MODEL = "openb/gpu", "openb/model"
PODS = 1000
"""Most pods of a node: more than ever go there."""
COVERED = 0.95
"""Part of the pods whose shapes are expected to come."""

WATTS: Mapping[str, tuple[float, float]] = {
    "V100M16": (30.0, 300.0), "V100M32": (30.0, 300.0), "P100": (25.0, 250.0), "T4": (10.0, 70.0),
    "A10": (30.0, 150.0), "G2": (30.0, 150.0), "G3": (50.0, 400.0),
}  # fmt: skip
"""Of a device, idle and active, by model, as in PWR (Lettich et al., CCGrid 2025), which takes the undisclosed G2
for an A10 and G3 for an A100."""
SPEED: Mapping[str, float] = {
    "V100M16": 125.0, "V100M32": 125.0, "P100": 18.7, "T4": 65.0, "A10": 125.0, "G2": 125.0, "G3": 312.0,
}  # fmt: skip
"""Peak FP16 TFLOPS by model, from the vendors' data sheets; G2 and G3 as above."""
UNKNOWN_WATTS, UNKNOWN_SPEED = (30.0, 300.0), 100.0

QUEUE = "openb"


@dataclass(frozen=True, eq=False, slots=True)
class World:
    """The fleet, and its pods' classes."""

    machines: tuple[Machine, ...]
    facts: NodeFacts
    pools: tuple[Pool, ...]
    classes: Mapping[Shape, PodClass]
    expected: tuple[tuple[PodClass, float], ...]


def world(machines: Sequence[Machine], names: Sequence[str], shapes: Sequence[Shape]) -> World:
    """The machines under these names, and classes for the pods; `shapes` are those of the original list, one a pod.

    Shapes are expected by how often they come there, the most frequent until they cover `COVERED` of the pods.
    """
    order = sorted(range(len(machines)), key=lambda i: names[i])
    chosen = tuple(machines[i] for i in order)
    models = sorted({machine.model for machine in chosen})
    facts = NodeFacts(
        names=tuple(names[i] for i in order),
        resources=("pods", "cpu", "memory", DEVICE),
        allocatable=np.array([[PODS, m.cpu, m.memory << 20, m.devices] for m in chosen], dtype=np.int64),
        schedulable=np.ones(len(chosen), dtype=np.bool_),
        labels=tuple({MODEL: machine.model} for machine in chosen),
        taints=((),) * len(chosen),
        pool=np.array([models.index(machine.model) for machine in chosen], dtype=np.int32),
    )
    classes = {shape: pod_class(shape) for shape in dict.fromkeys(shapes)}
    expected = tuple((classes[shape], number) for shape, number in targets(shapes))
    return World(chosen, facts, tuple(pool(model) for model in models), classes, expected)


def pool(model: str) -> Pool:
    """One accelerator for all models: a pod that does not name its models may go to any."""
    idle, active = WATTS.get(model, UNKNOWN_WATTS)
    return Pool(model, "gpu", DEVICE, Power(idle, active, 0.0, SPEED.get(model, UNKNOWN_SPEED)))


def pod_class(shape: Shape) -> PodClass:
    """Pods of the shape."""
    request = {"pods": 1, "cpu": shape.cpu, "memory": shape.memory << 20}
    whole = shape.share == 1000
    if whole:
        request[DEVICE] = shape.devices
    terms = (NodeTerm((Requirement(MODEL, "In", shape.models),)),) if shape.models else ()
    share = (DEVICE, shape.share) if shape.share and not whole else None
    return PodClass(tuple(sorted(request.items())), node_terms=terms, share=share)


def targets(shapes: Sequence[Shape]) -> list[tuple[Shape, float]]:
    """The most frequent shapes, memory aside, and how often they come, until they cover enough of the pods."""
    first: dict[tuple[int, int, int, tuple[str, ...]], Shape] = {}
    counts: Counter[tuple[int, int, int, tuple[str, ...]]] = Counter()
    for shape in shapes:
        key = (shape.cpu, shape.devices, shape.share, shape.models)
        first.setdefault(key, shape)
        counts[key] += 1
    found: list[tuple[Shape, float]] = []
    for key, number in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        if sum(count for _, count in found) >= COVERED * len(shapes):
            break
        found.append((first[key], float(number)))
    return found


def group(name: str, pod_class: PodClass, created: float) -> PodGroup:
    """A pod as a group of its own."""
    return PodGroup(name, QUEUE, 1, created=created, waiting=(Pod(name, pod_class),))


def snapshot(world: World, groups: Mapping[str, PodGroup]) -> Snapshot:
    """The empty fleet, and who wants to go there."""
    nothing = np.zeros_like(world.facts.allocatable)
    return Snapshot(
        world.facts, nothing, nothing.copy(), {}, world.pools, {QUEUE: Queue(QUEUE)}, groups,
        expected=world.expected,
    )  # fmt: skip


def policy(packing: str, seed: int) -> Policy:
    """Placement alone: nobody is evicted or moved, and nobody waits for anything."""
    return Policy(
        reclaim=False,
        preempt=False,
        backfill=False,
        consolidate=False,
        tell=False,
        packing=packing,
        seed=seed,
    )
