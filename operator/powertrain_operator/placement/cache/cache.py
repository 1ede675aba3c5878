"""The face of the kept snapshot: events in, decisions laid over them, snapshots out."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from powertrain_scheduler.plan import Bind
from powertrain_scheduler.snapshot import PodClass, PodGroup, Queue, Snapshot

from powertrain_operator.api.cluster import PodGroupView

from .. import names
from ..translate import objects, views
from ..translate.nodes import node_fact, same_node
from ..translate.objects import PoolTrouble
from ..translate.pods import PodFact
from .beliefs import Beliefs
from .claims import Claims
from .groups import GroupTable, has_minimum
from .held import Held, HeldReason
from .nodes import NodeTable
from .overlay import Overlay

V = TypeVar("V")


class Cache:
    """One cluster, kept. Every `on_...` takes a reflector's (key, before, after), None for absent."""

    def __init__(self) -> None:
        self.nodes = NodeTable()
        self.claims = Claims()
        self.groups = GroupTable(self._trouble, self._waiting_class, self._placed_class)
        self.pool_troubles: dict[str, PoolTrouble] = {}
        self.queues: dict[str, Queue] = objects.with_default({})
        self._overlay = Overlay()
        self._beliefs = Beliefs(self._overlay, self.nodes, self.groups)
        self.neighbours = self._beliefs.neighbours
        self.pods = self._beliefs.pods
        """What is believed of every pod that matters, by name. Read only."""
        self._queue_objects: dict[str, Queue] = {}
        self._pools: dict[str, objects.PoolFact] = {}
        self._settings_changed = True
        self._runtime_ratio: Mapping[str, float] = {}
        self._last: Snapshot | None = None

    @property
    def departures(self) -> int:
        """Pods so far that left their nodes, or were told to, by others than us."""
        return self._beliefs.departures

    # --- what the watches say

    def on_node(self, key: str, before: views.Node | None, after: views.Node | None) -> None:
        """A node changed."""
        if before is not None and after is not None and same_node(before, after):
            return
        self.nodes.put(key, node_fact(after) if after else None)

    def on_pod(self, key: str, before: views.Pod | None, after: views.Pod | None) -> None:
        """A pod of any scheduler changed."""
        self._beliefs.watch(key, before, after)
        if (known := self.pods.get(key)) is not None and known.claims:
            self.claims.wanted = True

    def on_group(self, key: str, before: PodGroupView | None, after: PodGroupView | None) -> None:
        """A PodGroup object changed."""
        self.groups.put_object(key, objects.group_fact(after) if after else None)
        if after is not None and after.status.failed_nodes:
            counts = {each.node: each.failures for each in after.status.failed_nodes}
            self.groups.recall_failures(key, counts)

    def on_queue(self, key: str, before: views.Queue | None, after: views.Queue | None) -> None:
        """A Queue changed."""
        if _put(self._queue_objects, key, objects.queue(after) if after else None):
            self.queues = objects.with_default(self._queue_objects)
            self._settings_changed = True

    def on_pool(
        self, key: str, before: views.AcceleratorPool | None, after: views.AcceleratorPool | None
    ) -> None:
        """An AcceleratorPool changed; one that cannot be used gives its nodes to no pool."""
        self.pool_troubles.pop(key, None)
        fact = None
        try:
            fact = objects.pool_fact(after) if after else None
        except PoolTrouble as trouble:
            self.pool_troubles[key] = trouble
        if _put(self._pools, key, fact):
            self.nodes.pools_changed()

    def on_claim(
        self,
        key: str,
        before: views.PersistentVolumeClaim | None,
        after: views.PersistentVolumeClaim | None,
    ) -> None:
        """A volume claim changed: pods that mount it may be placed now, or no more."""
        if self.claims.put_claim(key, after):
            self.claims_changed()

    def on_volume(
        self, key: str, before: views.PersistentVolume | None, after: views.PersistentVolume | None
    ) -> None:
        """A volume changed."""
        if self.claims.put_volume(key, after):
            self.claims_changed()

    def on_namespace(self, key: str, before: views.Namespace | None, after: views.Namespace | None) -> None:
        """A namespace changed: rules that pick namespaces by their labels may reach others now."""
        self.neighbours.put_namespace(key, after.metadata.labels if after else None)

    def namespaces_read(self) -> None:
        """All namespaces are known from now on."""
        self.neighbours.namespaces_watched = True
        for pod in self.pods.values():
            if pod.company is not None and not pod.node:
                self.groups.mark(pod.group)

    def on_storage_class(
        self, key: str, before: views.StorageClass | None, after: views.StorageClass | None
    ) -> None:
        """A storage class changed."""
        if self.claims.put_class(key, after):
            self.claims_changed()

    def claims_read(self) -> None:
        """All claims, volumes and classes are known from now on."""
        self.claims.watched = True
        self.claims_changed()

    def claims_changed(self) -> None:
        """Look again at every waiting pod with a claim; such changes are rare, once all are known."""
        if not self.claims.watched:
            return
        for pod in self.pods.values():
            if pod.claims and not pod.node:
                self.groups.mark(pod.group)

    # --- what was decided

    def assume(self, binds: Iterable[Bind], now: float) -> None:
        """Count these bindings as used from now on."""
        groups: set[str] = set()
        for bind in binds:
            self._beliefs.assume(bind.pod, bind.node, bind.device)
            groups.add(bind.group)
        for group in groups:
            self._note_start(group, now)

    def forget(self, pod: str, uid: str) -> None:
        """An assumed binding failed: the pod waits again. Nothing happens where it has been seen since."""
        if (waits := self._beliefs.forget(pod, uid)) is not None:
            self._note_failure(waits.group)

    def forget_all(self) -> None:
        """Believe the watches alone: somebody else decides now."""
        for pod, assumed in list(self._overlay.assumed.items()):
            self.forget(pod, assumed.uid)
        for pod in list(self._overlay.leaving):
            self.stays(pod)
        for pod in list(self._overlay.holds):
            self._beliefs.let_go(pod)
        for group in list(self.groups.nominated):
            self.nominate(group, ())
        for group in list(self.groups.chosen):
            del self.groups.chosen[group]
            self.groups.mark(group)
        # Whoever decides next has told nobody anything yet.
        self.groups.touched.update(self.groups.built, self.groups.held)

    def leaves(self, pod: str) -> None:
        """The pod is being told to leave: what it holds is about to be free."""
        self._beliefs.leaves(pod)

    def stays(self, pod: str) -> None:
        """It could not be told to leave after all."""
        self._beliefs.stays(pod)

    def hold(self, pod: str, until: float, message: str) -> None:
        """Keep a waiting pod, and so its group, from being placed until then; `message` says why."""
        self._beliefs.hold(pod, until, message)

    def end_holds(self, now: float) -> None:
        """Let pods go whose hold has run out."""
        for pod, hold in list(self._overlay.holds.items()):
            if hold.until <= now:
                self._beliefs.let_go(pod)
        for group in self.groups.moves.give_up(now):
            self.groups.mark(group)

    def next_hold_end(self) -> float | None:
        """When `end_holds` next has something to do."""
        ends = [hold.until for hold in self._overlay.holds.values()]
        return min(filter(None, (min(ends, default=None), self.groups.moves.next_end())), default=None)

    def nominate(self, group: str, nodes: tuple[str, ...]) -> None:
        """Nodes on which room is being made for the group; empty: none any more."""
        if self.groups.nominated.get(group, ()) == nodes:
            return
        if nodes:
            self.groups.nominated[group] = nodes
        else:
            del self.groups.nominated[group]
        self.groups.mark(group)

    def move(self, pods: Iterable[str], now: float) -> None:
        """These pods are told to leave, to start again on nodes that are held for them."""
        by_group: dict[str, set[str]] = {}
        for pod in pods:
            if (known := self.pods.get(pod)) is not None:
                by_group.setdefault(known.group, set()).add(pod)
        for group, leaving in by_group.items():
            members = self.groups.members(group)
            self.groups.moves.begin(group, members, leaving, self.groups.as_waiting, now)
            self.groups.mark(group)

    def choose(self, group: str, shape: str) -> None:
        """The shape that the group's pods are to have, of several that it would run in."""
        if self.groups.chosen.get(group) != shape:
            self.groups.chosen[group] = shape
            self.groups.mark(group)
            self.groups.touched.add(group)

    def learnt(self, runtime_ratio: Mapping[str, float]) -> None:
        """By owner, how long work really runs over what was said of it."""
        self._runtime_ratio = runtime_ratio
        self._settings_changed = True

    # --- what to decide on

    def snapshot(self) -> Snapshot:
        """The cluster as it is believed to be; the same object if nothing changed since the last."""
        in_order = [self._pools[name] for name in sorted(self._pools)]
        changed = self.nodes.refresh(self._holding(), in_order)
        changed |= self.neighbours.refresh()
        self.groups.refresh()
        changed |= self.groups.changed or self._settings_changed
        if self._last is not None and not changed:
            return self._last
        facts, used, leaving, ports = self.nodes.tables()
        self._settings_changed = self.groups.changed = False
        self._last = Snapshot(
            nodes=facts,
            used=used,
            leaving=leaving,
            host_ports=ports,
            pools=tuple(fact.pool for fact in in_order),
            queues=self.queues,
            groups=dict(self.groups.built),
            runtime_ratio=self._runtime_ratio,
            shared=self.nodes.shares.by_node(),
            matching=self.neighbours.matching(self.nodes.rows),
            repelling=self.neighbours.repelling(self.nodes.rows),
        )
        return self._last

    def group(self, name: str) -> PodGroup | None:
        """A group as the core would see it now."""
        self.groups.refresh()
        return self.groups.built.get(name)

    def has_minimum(self, group: str) -> bool:
        """Whether all pods that the group needs at least hold nodes and are not about to leave them."""
        members, fact = self.groups.members(group).values(), self.groups.object(group)
        return has_minimum(members, fact, self.minimum(group))

    def minimum(self, group: str) -> int:
        """Pods that the group needs, in the shape that it has."""
        built, fact = self.groups.built.get(group), self.groups.object(group)
        if built is not None and built.shape:
            return built.min_member
        return fact.min_member if fact else 1

    def is_assumed(self, pod: str) -> bool:
        """Whether its node is decided here and not seen yet."""
        return pod in self._overlay.assumed

    # --- inside

    def _trouble(self, pod: PodFact) -> Held | None:
        """Why a waiting pod cannot be placed now, whatever is free."""
        name = names.split(pod.key).name
        if pod.trouble:
            return Held(HeldReason.UNSUPPORTED_CONSTRAINT, f"pod {name} requires {pod.trouble}")
        if missing := self.neighbours.trouble(pod):
            return Held(HeldReason.UNSUPPORTED_CONSTRAINT, f"pod {name} asks for {missing}")
        if (hold := self._overlay.holds.get(pod.key)) is not None:
            return Held(HeldReason.BINDING_REFUSED, f"pod {name} could not be bound: {hold.message}")
        if pod.claims and (missing := self.claims.trouble(pod)):
            return Held(HeldReason.VOLUME_NOT_BOUND, f"pod {name} mounts {missing}")
        return None

    def _waiting_class(self, pod: PodFact) -> PodClass:
        return self.neighbours.dressed(pod, self.claims.narrowed(pod))

    def _placed_class(self, pod: PodFact) -> PodClass:
        return self.neighbours.dressed(pod, pod.pod_class)

    def _note_start(self, group: str, now: float) -> None:
        members = self.groups.members(group)
        if self.has_minimum(group):
            # Never before a member was made, by the API server's clock: see GroupTable._settle_start.
            start = max(now, *(pod.created for pod in members.values()))
            self.groups.started.setdefault(group, start)

    def _note_failure(self, group: str) -> None:
        """A start that was only assumed did not happen, unless enough members hold nodes all the same."""
        if not self.has_minimum(group):
            self.groups.started.pop(group, None)
            self.groups.mark(group)

    def _holding(self) -> Iterable[PodFact]:
        return (pod for pod in self.pods.values() if pod.node)


def _put(table: dict[str, V], key: str, value: V | None) -> bool:
    """Set or remove an entry; True where that changed anything."""
    if table.get(key) == value:
        return False
    if value is None:
        del table[key]
    else:
        table[key] = value
    return True
