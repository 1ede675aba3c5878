"""Random clusters with everything that groups, queues, nodes and pods can say, made from those of `worlds`."""

from dataclasses import replace
from random import Random

import numpy as np
from core.builders import BLOCK, RACK, amounts, neighbours
from core.worlds import random_cluster
from hypothesis import strategies as st
from powertrain_scheduler.snapshot import (
    Pod,
    PodClass,
    PodGroup,
    PodSelector,
    PodTerm,
    Preemption,
    Queue,
    Quota,
    Requirement,
    Slice,
    Snapshot,
    SpreadRule,
    SubGroup,
    Topology,
)

HOST = "kubernetes.io/hostname"
SHY = PodSelector(("team",), (Requirement("app", "In", ("shy",)),))
"""Picks the pods that have rules about each other."""


def rich_cluster(racks: int, groups: int, seed: int) -> Snapshot:
    """As `random_cluster`, and about half of everybody says something more."""
    dice = Random(seed)
    base = random_cluster(racks, groups, seed)
    said = {name: _group(dice, group) for name, group in sorted(base.groups.items())}
    placed = [pod for group in said.values() for pod in group.placed]
    ready = np.array([dice.random() > 0.04 for _ in base.nodes.names], dtype=np.bool_)
    facts = replace(base.nodes, ready=ready, schedulable=base.nodes.schedulable & ready, memo={})
    assert (amounts(facts, placed) == base.used).all()
    return replace(
        base,
        nodes=facts,
        groups=said,
        queues={name: _queue(dice, queue) for name, queue in base.queues.items()},
        **neighbours(facts, placed),
    )


rich_clusters = st.builds(
    rich_cluster, racks=st.integers(1, 4), groups=st.integers(1, 7), seed=st.integers(0, 2**32 - 1)
)


def _queue(dice: Random, queue: Queue) -> Queue:
    quotas = dict(queue.quotas)
    if dice.random() < 0.2:
        quotas["cpu"] = Quota(dice.choice([0, 1000, 4000]), dice.choice([None, 0, 1000]))
    return replace(
        queue,
        quotas=quotas,
        priority=dice.choice([0, 0, 0, 1]),
        preemption=Preemption(
            dice.choice(["lower", "lower", "lower", "never"]),
            dice.choice(["any", "any", "lower", "never"]),
            dice.choice([None, None, None, 1]),
        ),
        minimum_runtime=dice.choice([0.0, 0.0, 30.0]),
        max_running=dice.choice([None, None, None, 1, 2]),
    )


def _group(dice: Random, group: PodGroup) -> PodGroup:
    if dice.random() < 0.15:
        group = replace(group, failures={f"r{dice.randint(0, 3)}-0": dice.choice([1, 2, 3])})
    if dice.random() < 0.2:
        group = replace(group, checkpoint_seconds=dice.choice([5.0, 60.0]))
    if group.placed or not group.waiting:
        return group
    if dice.random() < 0.25:
        group = _with_rules(dice, group)
    chance = dice.random()
    if chance < 0.2:
        return _with_parts(dice, group)
    return _with_slices(dice, group) if chance < 0.35 else group


def _with_rules(dice: Random, group: PodGroup) -> PodGroup:
    """Its pods keep away from each other, go together, or spread."""
    level = dice.choice([HOST, RACK, BLOCK])
    rules = dice.choice(
        [
            {"apart": (PodTerm(SHY, level),)},
            {"near": (PodTerm(SHY, level),)},
            {"spread": (SpreadRule(SHY, level, max_skew=dice.choice([1, 2])),)},
        ]
    )
    classes: dict[PodClass, PodClass] = {}
    for pod in group.waiting:
        classes.setdefault(pod.pod_class, replace(pod.pod_class, matched=(SHY,), **rules))  # type: ignore[arg-type]
    pods = tuple(replace(pod, pod_class=classes[pod.pod_class]) for pod in group.waiting)
    return replace(group, waiting=pods)


def _with_parts(dice: Random, group: PodGroup) -> PodGroup:
    """Two replicas, each a leader and workers or without one, each with a minimum and maybe a level of its own."""
    names = ("one", "two")
    pods: list[Pod] = []
    for i, pod in enumerate(group.waiting):
        pods.append(replace(pod, subgroup=names[i % 2]))
    sizes = {name: sum(pod.subgroup == name for pod in pods) for name in names}
    parts = tuple(
        SubGroup(
            name,
            min_member=dice.randint(1, sizes[name]) if sizes[name] else 0,
            topology=Topology(required=dice.choice([None, None, RACK, BLOCK])),
        )
        for name in names
        if sizes[name]
    )
    return replace(
        group,
        waiting=tuple(pods),
        subgroups=parts,
        min_member=0,
        min_subgroups=dice.choice([None, 1]),
    )


def _with_slices(dice: Random, group: PodGroup) -> PodGroup:
    """Pairs in one rack, or in one block."""
    if len(group.waiting) % 2 or group.min_member % 2:
        return group
    topology = replace(
        group.topology,
        slices=(Slice(2, dice.choice([RACK, BLOCK])),),
        arrange=dice.choice([None, "packed", "balanced"]),
        required=dice.choice([None, BLOCK]),
        preferred=None,
    )
    return replace(group, topology=topology)
