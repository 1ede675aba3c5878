"""What is believed of every pod: what the watch says, with what was decided laid over it.

Each change of belief is counted at once: on the node that a pod holds, and in its group.
"""

from powertrain_scheduler.snapshot import PodClass

from powertrain_operator.api.names import SCHEDULER_NAME

from ..translate import constraints, pods, shares, views
from ..translate.pods import PodFact
from ..translate.requests import Allocated, allocated
from .groups import GroupTable
from .neighbours import Neighbours
from .nodes import NodeTable
from .overlay import Assumed, Hold, Overlay


class Beliefs:
    """Facts of all pods that matter, by name."""

    def __init__(self, overlay: Overlay, nodes: NodeTable, groups: GroupTable) -> None:
        self.pods: dict[str, PodFact] = {}
        self.neighbours = Neighbours(self.pods, groups.mark)
        self.departures = 0
        """Pods so far that left their nodes, or were told to, by others than us."""
        self._overlay = overlay
        self._nodes = nodes
        self._groups = groups
        self._seen: dict[str, PodFact] = {}
        """What the watch said of pods of which something else is believed."""
        self._classes: dict[PodClass, PodClass] = {}
        self._made: tuple[views.PodSpec, tuple[str, Allocated], PodClass, str] | None = None
        """The last class made, and what it was made from: pods of one template come together."""

    # --- what the watch says

    def watch(self, key: str, before: views.Pod | None, after: views.Pod | None) -> None:
        """A pod changed."""
        if before is not None and after is not None and self._tells_nothing(key, before, after):
            return
        seen = None
        if after is not None and not pods.is_finished(after):
            pod_class, trouble = self._class_of(key, before, after)
            seen = pods.pod_fact(after, key, pod_class, trouble)
        known = self.pods.get(key)
        if known is not None and known.node and not known.leaving and (seen is None or seen.leaving):
            self.departures += 1
        if known is not None and known.group and known.node and after is not None and pods.has_failed(after):
            self._groups.note_failure(known)
        if (
            known is not None
            and known.group
            and known.node
            and after is not None
            and pods.has_succeeded(after)
        ):
            self._groups.note_success(known.group)
        self._see(key, seen)

    # --- what was decided

    def assume(self, pod: str, node: str, device: str = "") -> None:
        """It is being given this node, and a share of this device there."""
        self._overlay.assumed[pod] = Assumed(self.pods[pod].uid, node, device)
        self._look_again(pod)

    def forget(self, pod: str, uid: str) -> PodFact | None:
        """It did not get the node: the pod as it waits again, None where it has been seen since."""
        assumed = self._overlay.assumed.get(pod)
        if assumed is None or assumed.uid != uid:
            return None
        del self._overlay.assumed[pod]
        self._look_again(pod)
        return self.pods[pod]

    def leaves(self, pod: str) -> None:
        """It is being told to leave."""
        if (known := self.pods.get(pod)) is not None and not known.leaving:
            self._overlay.leaving[pod] = known.uid
            self._look_again(pod)

    def stays(self, pod: str) -> None:
        """It could not be told to leave after all."""
        if self._overlay.leaving.pop(pod, None) is not None:
            self._look_again(pod)

    def hold(self, pod: str, until: float, message: str) -> None:
        """It is not to be placed until then."""
        if (known := self.pods.get(pod)) is not None:
            self._overlay.holds[pod] = Hold(known.uid, until, message)
            self._groups.mark(known.group)

    def let_go(self, pod: str) -> None:
        """It is held no more."""
        del self._overlay.holds[pod]
        if (known := self.pods.get(pod)) is not None:
            self._groups.mark(known.group)

    # --- inside

    def _see(self, key: str, seen: PodFact | None) -> None:
        believed = self._overlay.over(key, seen)
        if seen is not None and believed is not seen:
            self._seen[key] = seen
        else:
            self._seen.pop(key, None)
        self._believe(key, believed)

    def _look_again(self, key: str) -> None:
        """The overlay changed: what was seen of the pod means something else now."""
        self._see(key, self._seen.get(key) or self.pods[key])

    def _believe(self, key: str, pod: PodFact | None) -> None:
        """Replace what is believed of a pod and count the difference."""
        before = self.pods.get(key)
        if before == pod:
            return
        self.neighbours.change(before, pod)
        if before is not None:
            self._discount(before, pod)
        if pod is None:
            del self.pods[key]
            return
        self.pods[key] = pod
        if pod.node and not _same_use(before, pod):
            self._nodes.add(pod)
        if pod.group:
            self._groups.put_member(pod.group, pod)

    def _discount(self, before: PodFact, after: PodFact | None) -> None:
        if before.node and not _same_use(after, before):
            self._nodes.remove(before)
        if before.group and (after is None or after.group != before.group):
            self._groups.drop_member(before.group, before.key)

    def _tells_nothing(self, key: str, before: views.Pod, after: views.Pod) -> bool:
        """Whether nothing that matters differs; when a pod started matters only until its group's start is known."""
        if not pods.same_fact(before, after):
            return False
        known = self.pods.get(key)
        return known is None or not known.group or known.group in self._groups.started

    def _class_of(self, key: str, before: views.Pod | None, after: views.Pod) -> tuple[PodClass, str]:
        """The pod's class, shared with all pods of that class, and what it requires in vain."""
        known, said = self.pods.get(key), _beside(after)
        same = before is not None and _beside(before) == said
        if known is not None and before is not None and same and pods.same_class(before.spec, after.spec):
            return known.pod_class, known.trouble
        if self._made is None or self._made[1] != said or not pods.same_class(self._made[0], after.spec):
            self._trim_classes()
            made, trouble = _made(after)
            self._made = (after.spec, said, self._classes.setdefault(made, made), trouble)
        return self._made[2], self._made[3]

    def _trim_classes(self) -> None:
        """Classes of pods that are long gone must not pile up."""
        if len(self._classes) > 1024 + 2 * len(self.pods):
            self._classes = {pod.pod_class: pod.pod_class for pod in self.pods.values()}


def _share(pod: views.Pod) -> str:
    """What the pod says about a share, where it is for us to read."""
    return pod.metadata.annotations.device_share if pod.spec.scheduler_name == SCHEDULER_NAME else ""


def _beside(pod: views.Pod) -> tuple[str, Allocated]:
    """What a class is made from beside the spec."""
    return _share(pod), allocated(pod)


def _made(pod: views.Pod) -> tuple[PodClass, str]:
    """The pod's class and what it requires in vain."""
    part, trouble = None, ""
    try:
        part = shares.share(_share(pod))
    except ValueError as error:
        trouble = str(error)
    made = pods.pod_class(pod.spec, part, allocated(pod))
    return made, trouble or shares.trouble(made) or constraints.unsupported(pod.spec) or ""


def _same_use(before: PodFact | None, after: PodFact | None) -> bool:
    """Whether the two count alike on the same node, so that nothing is to be added or taken away."""
    if before is None or after is None:
        return False
    return (
        before.node == after.node
        and before.leaving == after.leaving
        and before.pod_class is after.pod_class
        and before.device == after.device
    )
