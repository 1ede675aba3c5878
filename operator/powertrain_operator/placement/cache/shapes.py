"""A group's shapes as the core sees them: the one its pods have, and the others with pods yet to be made."""

from collections.abc import Sequence
from typing import NamedTuple

from powertrain_scheduler.snapshot import Alternative, Pod, Topology

from ..translate.objects import GroupFact, ShapeFact
from ..translate.pods import PodFact


class Shapes(NamedTuple):
    """What a group of several shapes has in the one that its pods have."""

    present: str = ""
    """Empty where the pods that would make up one are not all there."""
    min_member: int = 0
    speed: float = 1.0
    alternatives: tuple[Alternative, ...] = ()
    chosen: str = ""


def shapes_of(group: str, fact: GroupFact, members: Sequence[PodFact], chosen: str) -> Shapes:
    """`chosen` is the shape it is to have, as far as anybody has chosen."""
    by_name = {shape.name: shape for shape in fact.shapes}
    present = _present(fact, members)
    of = by_name.get(present) or by_name.get(chosen) or fact.shapes[0]
    return Shapes(
        present,
        of.min_member,
        of.speed,
        tuple(_alternative(group, each, fact.topology) for each in fact.shapes if each.name != present),
        chosen if chosen in by_name else "",
    )


def _present(fact: GroupFact, members: Sequence[PodFact]) -> str:
    """The shape of all pods that stay, if they are enough for it; pods without the label are of the first."""
    staying = [pod.shape or fact.shapes[0].name for pod in members if not pod.leaving]
    name = staying[0] if staying and len(set(staying)) == 1 else ""
    needed = next((shape.min_member for shape in fact.shapes if shape.name == name), len(staying) + 1)
    return name if len(staying) >= needed or any(pod.node and not pod.leaving for pod in members) else ""


def _alternative(group: str, shape: ShapeFact, topology: Topology) -> Alternative:
    pods = tuple(Pod(f"{group}~{shape.name}-{i}", shape.pod_class) for i in range(shape.min_member))
    return Alternative(shape.name, shape.min_member, pods, shape.speed, topology)
