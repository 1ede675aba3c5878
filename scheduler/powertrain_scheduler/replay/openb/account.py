"""What a fill came to, counted again from the bindings alone: allocation, fragments and watts by percent arrived.

Bindings are not trusted: one beyond what a node or a device has is an error.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler.fleet import Fleet
from powertrain_scheduler.kinds import DEVICE
from powertrain_scheduler.plan import Bind, Plan
from powertrain_scheduler.replay.openb import world as worlds
from powertrain_scheduler.replay.openb.trace import Shape
from powertrain_scheduler.replay.openb.world import World
from powertrain_scheduler.scores import fragments, sockets
from powertrain_scheduler.snapshot import PodGroup

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

PERCENTS = range(131)


@dataclass(frozen=True, eq=False, slots=True)
class Curves:
    """By whole percent of the fleet's devices that have been asked for, 0 to 130."""

    allocated: Floats
    """Percent of the devices."""
    fragments: Floats
    """Percent of the devices that are idle and, weighed by what is expected, of no use."""
    watts: Floats
    """By PWR's model."""
    speed: Floats
    """Peak FP16 TFLOPS of the allocated devices."""
    pods: int
    """Arrived."""
    dropped: int


class Overcommitted(Exception):
    """A binding for which there is no room."""


class Machines:
    """The nodes' devices, CPU and memory, as they fill."""

    def __init__(self, world: World) -> None:
        self.row = {name: row for row, name in enumerate(world.facts.names)}
        self.cpu: Ints = world.facts.allocatable[:, 1].copy()
        self.memory: Ints = world.facts.allocatable[:, 2] >> 20
        self.whole: Ints = world.facts.allocatable[:, 3].copy()
        self.width = int(self.whole.max())
        self.left: Ints = np.zeros((len(self.row), self.width), dtype=np.int64)
        """Thousandths left of split devices."""
        self.names: list[dict[str, int]] = [{} for _ in self.row]
        """Place of each split device by its name."""

    def take(self, shape: Shape, bind: Bind) -> int:
        """The node's row, with the pod there; raises Overcommitted."""
        row = self.row[bind.node]
        self.cpu[row] -= shape.cpu
        self.memory[row] -= shape.memory
        if 0 < shape.share < DEVICE:
            self._split(row, shape.share, bind.device)
        else:
            self.whole[row] -= shape.devices
        if min(self.cpu[row], self.memory[row], self.whole[row], self.left[row].min()) < 0:
            raise Overcommitted(f"{bind.pod} does not fit on {bind.node}, device {bind.device!r}")
        return row

    def give_back(self, shape: Shape, bind: Bind) -> int:
        """The node's row, without the pod."""
        row = self.row[bind.node]
        self.cpu[row] += shape.cpu
        self.memory[row] += shape.memory
        if 0 < shape.share < DEVICE:
            slot = self.names[row][bind.device]
            self.left[row, slot] += shape.share
            if self.left[row, slot] == DEVICE:
                self.left[row, slot] = 0
                self.whole[row] += 1
                del self.names[row][bind.device]
        else:
            self.whole[row] += shape.devices
        return row

    def _split(self, row: int, share: int, device: str) -> None:
        known = self.names[row]
        if device not in known:
            known[device] = min(set(range(self.width)) - set(known.values()), default=0)
            self.whole[row] -= 1
            self.left[row, known[device]] = DEVICE
        self.left[row, known[device]] -= share


def curves(world: World, order: Sequence[Shape], plan: Plan) -> Curves:
    """What the plan's bindings come to as the pods arrive in this order."""
    bound = {bind.group: bind for bind in plan.binds}
    machines = Machines(world)
    states = [_State(machines, row) for row in range(len(machines.row))]
    events: list[int] = []
    placed = np.zeros(len(order), dtype=np.bool_)
    for number, shape in enumerate(order):
        bind = bound.get(f"pod-{number:06}")
        if bind is not None:
            row = machines.take(shape, bind)
            states.append(_State(machines, row))
            events.append(number)
            placed[number] = True
    figures = _figures(world, states)
    asked = np.array([shape.thousandths for shape in order], dtype=np.int64)
    capacity = DEVICE * int(world.facts.allocatable[:, 3].sum())
    arrived = np.round(100 * np.cumsum(asked) / capacity)
    allocated = np.round(100 * np.cumsum(np.where(placed, asked, 0)) / capacity, 2)
    sums = [_running(each, states, len(machines.row), np.array(events), len(order)) for each in figures]
    found = [_by_percent(arrived, each) for each in (allocated, 100 * sums[0] / capacity, sums[1], sums[2])]
    return Curves(found[0], found[1], found[2], found[3], len(order), int((~placed).sum()))


class _State:
    """One node after one event."""

    __slots__ = ("cpu", "left", "row", "whole")

    def __init__(self, machines: Machines, row: int) -> None:
        self.row = row
        self.cpu, self.whole = machines.cpu.item(row), machines.whole.item(row)
        self.left = machines.left[row].copy()


def _figures(world: World, states: Sequence[_State]) -> tuple[Floats, Floats, Floats]:
    """Of each state: fragments, watts, and peak speed of the devices in use."""
    nobody: dict[str, PodGroup] = {}
    fleet = Fleet(worlds.snapshot(world, nobody))
    rows = np.array([state.row for state in states])
    cpu = np.array([state.cpu for state in states])
    whole = np.array([state.whole for state in states])
    left = np.array([state.left for state in states])
    pool, present = fleet.facts.pool[rows].astype(np.int64), fleet.present[rows]
    capacity = fleet.facts.allocatable[rows, 1]
    watts = sockets.cpu_watts(capacity, capacity - cpu)
    watts += sockets.device_watts(fleet.power, pool, present, present - whole)
    used = DEVICE * present - DEVICE * whole - left.sum(axis=1)
    speed: Floats = used / DEVICE * fleet.power.speed[pool]
    return fragments.amount(fleet, fragments.Nodes(rows, cpu, whole, left)), watts, speed


def _running(figure: Floats, states: Sequence[_State], nodes: int, events: Ints, arrivals: int) -> Floats:
    """The fleet's sum after each arrival, from each state's share in it."""
    last = list(range(nodes))
    changes = np.zeros(arrivals)
    for place, number in enumerate(events.tolist(), start=nodes):
        row = states[place].row
        changes[number] = figure[place] - figure[last[row]]
        last[row] = place
    sums: Floats = figure[:nodes].sum() + np.cumsum(changes)
    return sums


def _by_percent(arrived: Floats, figure: Floats) -> Floats:
    """The mean over the arrivals that round to each percent, as the authors read theirs; not a number for none."""
    found = np.full(len(PERCENTS), np.nan)
    for percent in PERCENTS:
        here = arrived == percent
        if not here.any():
            here = np.abs(arrived - percent) <= 1
        if here.any():
            found[percent] = figure[here].mean()
    return found
