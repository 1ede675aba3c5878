"""A tiny world around one InferenceService: an API server's memory, kubelets, a scheduler, and crashes.

As `jobworld`, but with replicas: each has a PodGroup, and gets nodes when all its pods are there.
"""

import copy
from typing import Any

from powertrain_operator.api.names import LABEL_ATTEMPT, LABEL_POD_GROUP, LABEL_REPLICA, LABEL_ROLE
from powertrain_operator.api.time import to_rfc3339
from powertrain_operator.reconcile import (
    Deletion,
    Manifest,
    NodeHealth,
    Outcome,
    reconcile_inference_service,
)
from reconcile.building import NOW, bound, ended, fleet, leaving, running, seen_service, service

Json = dict[str, Any]
NODES = tuple(f"node-{i}" for i in range(4))


class ServiceWorld:
    """One service, and everything that happens to it."""

    def __init__(self, *, nodes: int = 1, replicas: int = 2, max_unavailable: int = 1) -> None:
        self.now = NOW
        parallelism = {"tensor": 1, "pipeline": nodes, "nodes": nodes}
        rollout = {"maxUnavailable": max_unavailable}
        self.service: Json = service(replicas=replicas, parallelism=parallelism, rollout=rollout)
        self.pods: dict[str, Json] = {}
        self.groups: dict[str, Json] = {}
        self.services: dict[str, Json] = {}
        self.nodes = dict.fromkeys(NODES, NodeHealth.READY)
        self.made = 0
        self._view = self._look()

    # --- the operator

    def reconcile(self, fresh: bool = True, crash_after: int | None = None) -> Outcome:
        """One reconciliation on what is so now, or was after the last one; `crash_after` so many writes."""
        if fresh:
            self._view = self._look()
        manifest, children, nodes = self._view
        around = fleet(nodes={name: health.value for name, health in nodes.items()})
        outcome = reconcile_inference_service(seen_service(manifest, *children, now=self.now, fleet=around))
        writes = [
            *((self._apply, each) for each in outcome.apply),
            *((self._create, each) for each in outcome.create),
            *((self._delete, each) for each in outcome.delete),
            *((self._write_status, each) for each in [outcome.status] if each is not None),
        ]
        for write, what in writes[:crash_after]:
            write(what)  # type: ignore[operator]
        self._view = self._look()
        return outcome

    def _look(self) -> tuple[Json, list[Json], dict[str, NodeHealth]]:
        children = [*self.pods.values(), *self.groups.values(), *self.services.values()]
        return copy.deepcopy((self.service, children, self.nodes))

    def _apply(self, manifest: Manifest) -> None:
        kept = self.groups if manifest["kind"] == "PodGroup" else self.services
        new, name = copy.deepcopy(dict(manifest)), manifest["metadata"]["name"]
        old = kept.get(name)
        new["metadata"]["uid"] = old["metadata"]["uid"] if old else self._uid()
        if old and manifest["kind"] == "PodGroup":
            before, after = (int(each["metadata"]["labels"][LABEL_ATTEMPT]) for each in (old, new))
            assert after >= before, f"the attempt of {name} went back"
            new |= {"status": old["status"]} if "status" in old else {}
        kept[name] = new

    def _create(self, manifest: Manifest) -> None:
        pod = copy.deepcopy(dict(manifest))
        name, labels = pod["metadata"]["name"], pod["metadata"]["labels"]
        assert name not in self.pods, f"{name} is created although it exists"
        peers = self._members(labels[LABEL_REPLICA])
        others = {each["metadata"]["labels"][LABEL_ATTEMPT] for each in peers}
        assert others <= {labels[LABEL_ATTEMPT]}, f"{name} meets pods of attempts {others}"
        assert not any("nodeName" in each["spec"] for each in peers), f"{name} joins pods that met without it"
        assert labels[LABEL_POD_GROUP] in self.groups, f"{name} is created before its PodGroup"
        pod["metadata"]["uid"] = self._uid()
        self.pods[name] = {**pod, "status": {"phase": "Pending", "conditions": []}}

    def _delete(self, deletion: Deletion) -> None:
        kept = {"PodGroup": self.groups, "Service": self.services}.get(deletion.kind)
        if kept is not None:
            if deletion.name in kept and kept[deletion.name]["metadata"]["uid"] == deletion.uid:
                del kept[deletion.name]
        elif (pod := self.pods.get(deletion.name)) and pod["metadata"]["uid"] == deletion.uid:
            self._delete_pod(pod, force=deletion.grace_seconds == 0)

    def _delete_pod(self, pod: Json, *, force: bool = False) -> None:
        name, node = pod["metadata"]["name"], pod["spec"].get("nodeName")
        if force:
            assert self.nodes.get(node) in (None, NodeHealth.GONE), f"{name} is removed by force from {node}"
        if force or node is None:
            del self.pods[name]
        elif "deletionTimestamp" not in pod["metadata"]:
            self.pods[name] = leaving(pod, self.now)

    def _write_status(self, status: Manifest) -> None:
        self.service["status"] = copy.deepcopy(dict(status))

    def _uid(self) -> str:
        self.made += 1
        return f"uid-{self.made}"

    # --- everybody else

    @property
    def phase(self) -> str | None:
        phase: str | None = self.service.get("status", {}).get("phase")
        return phase

    @property
    def ready(self) -> int:
        """Replicas that answer requests."""
        return sum(
            pod["status"]["phase"] == "Running"
            and "deletionTimestamp" not in pod["metadata"]
            and pod["metadata"]["labels"][LABEL_ROLE] == "leader"
            for pod in self.pods.values()
        )

    def _members(self, replica: str) -> list[Json]:
        return [pod for pod in self.pods.values() if pod["metadata"]["labels"][LABEL_REPLICA] == replica]

    def schedule(self) -> None:
        """The placement process: all or none of a replica's pods get nodes."""
        healthy = [name for name, health in self.nodes.items() if health == NodeHealth.READY]
        for name, group in self.groups.items():
            members = [
                pod
                for pod in self.pods.values()
                if pod["metadata"]["labels"][LABEL_POD_GROUP] == name
                and "deletionTimestamp" not in pod["metadata"]
            ]
            waiting = [pod for pod in members if "nodeName" not in pod["spec"]]
            if healthy and waiting and len(members) >= group["spec"]["minMember"]:
                for place, pod in enumerate(waiting):
                    self._put(bound(pod, healthy[place % len(healthy)], self.now))
                group["status"] = {"phase": "Scheduled", "scheduledTime": to_rfc3339(self.now)}

    def start(self, place: int) -> None:
        """A kubelet starts a pod; `place` counts through the pods by name."""
        pod = self._pod(place)
        if pod and pod["status"]["phase"] == "Pending" and self._alive(pod):
            self._put(running(pod, at=self.now))

    def fail(self, place: int) -> None:
        pod = self._pod(place)
        if pod and pod["status"]["phase"] == "Running" and self._alive(pod):
            self._put(ended(pod, 1, at=self.now))

    def evict(self, place: int) -> None:
        if pod := self._pod(place):
            self._delete_pod(pod)

    def vanish(self, place: int) -> None:
        """A pod goes before anybody looks."""
        if pod := self._pod(place):
            self._delete_pod(pod)
            if pod["metadata"]["name"] in self.pods and self._alive(pod):
                del self.pods[pod["metadata"]["name"]]

    def stop(self, place: int) -> None:
        """The kubelet has ended a pod that was leaving."""
        pod = self._pod(place)
        if pod and "deletionTimestamp" in pod["metadata"] and self._alive(pod):
            del self.pods[pod["metadata"]["name"]]

    def set_node(self, node: str, health: NodeHealth) -> None:
        self.nodes[node] = health

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def user_sets(self, field: str, value: object) -> None:
        self.service["spec"][field] = value
        self.service["metadata"]["generation"] += 1

    def user_deletes_group(self, place: int) -> None:
        names = sorted(self.groups)
        if names:
            del self.groups[names[place % len(names)]]

    def _pod(self, place: int) -> Json | None:
        names = sorted(self.pods)
        return self.pods[names[place % len(names)]] if names else None

    def _alive(self, pod: Json) -> bool:
        return self.nodes.get(pod["spec"].get("nodeName", "")) == NodeHealth.READY

    def _put(self, pod: Json) -> None:
        self.pods[pod["metadata"]["name"]] = pod

    def run_up(self) -> None:
        """All goes well for a while, if nothing stands in its way."""
        for _ in range(5):
            self.now += self.reconcile().requeue_after or 0.0
            self.play()

    def play(self) -> None:
        """The scheduler and all kubelets do their part."""
        self.schedule()
        for place in range(len(self.pods) - 1, -1, -1):
            self.stop(place)
        for place in range(len(self.pods)):
            self.start(place)

    def settle(self) -> None:
        """Nothing goes wrong any more: nodes are back or gone for good, and everybody does their part."""
        for node, health in self.nodes.items():
            if health == NodeHealth.UNREADY:
                self.nodes[node] = NodeHealth.READY
        self.nodes["node-new"] = NodeHealth.READY
        for _ in range(60):
            before = copy.deepcopy((self.service, self.pods, self.groups))
            wait = self.reconcile().requeue_after
            self.play()
            self.now += wait or 1.0
            if before == (self.service, self.pods, self.groups) and not wait:
                return
        raise AssertionError(f"the service does not come to rest: {self.service.get('status')}")
