"""A tiny world around one TrainingJob: an API server's memory, kubelets, a scheduler, and crashes.

The operator is played by `reconcile`: it observes, decides, and carries out the outcome write by
write; a crash may stop it between any two. What it observes may be as old as its own last write.
"""

import copy
from typing import Any

from powertrain_operator.api.names import LABEL_ATTEMPT
from powertrain_operator.api.time import to_rfc3339
from powertrain_operator.reconcile import Deletion, Manifest, NodeHealth, Outcome, reconcile_training_job
from reconcile.building import NOW, UID, bound, disrupted, ended, fleet, job, leaving, running, seen_job

Json = dict[str, Any]
NODES = tuple(f"node-{i}" for i in range(4))


class JobWorld:
    """One job, and everything that happens to it."""

    def __init__(self, *, workers: int = 3, **spec: Any) -> None:
        self.now = NOW
        self.job: Json | None = job(workers=workers, **spec)
        self.workers = workers
        self.pods: dict[str, Json] = {}
        self.group: Json | None = None
        self.service: Json | None = None
        self.nodes = dict.fromkeys(NODES, NodeHealth.READY)
        self.made = 0
        self.restarts = 0
        self.failures = 0
        self.ended_as: str | None = None
        self._view = self._look()

    # --- the operator

    def reconcile(self, fresh: bool = True, crash_after: int | None = None) -> Outcome:
        """One reconciliation on what is so now, or was after the last one; `crash_after` so many writes."""
        if fresh or self._view is None:
            self._view = self._look()
        outcome = self._decide()
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

    def _look(self) -> tuple[Json, list[Json], dict[str, NodeHealth]] | None:
        if self.job is None:
            return None
        children = [*self.pods.values(), *(each for each in (self.group, self.service) if each)]
        return copy.deepcopy((self.job, children, self.nodes))

    def _decide(self) -> Outcome:
        if self._view is None:
            return Outcome()
        manifest, children, nodes = self._view
        around = fleet(nodes={name: health.value for name, health in nodes.items()})
        return reconcile_training_job(seen_job(manifest, *children, now=self.now, fleet=around))

    def _apply(self, manifest: Manifest) -> None:
        old = self.group if manifest["kind"] == "PodGroup" else self.service
        new = copy.deepcopy(dict(manifest))
        new["metadata"]["uid"] = old["metadata"]["uid"] if old else self._uid()
        if old and "status" in old:
            new["status"] = old["status"]
        if manifest["kind"] == "PodGroup":
            self.group = new
        else:
            self.service = new

    def _create(self, manifest: Manifest) -> None:
        pod = copy.deepcopy(dict(manifest))
        name, attempt = pod["metadata"]["name"], pod["metadata"]["labels"][LABEL_ATTEMPT]
        assert name not in self.pods, f"{name} is created although it exists"
        others = {each["metadata"]["labels"][LABEL_ATTEMPT] for each in self.pods.values()}
        assert others <= {attempt}, f"{name} of attempt {attempt} meets pods of attempts {others}"
        assert self.group is not None, f"{name} is created before its PodGroup"
        assert self.phase != "Running", f"{name} is created beside workers that have met without it"
        pod["metadata"]["uid"] = self._uid()
        self.pods[name] = {**pod, "status": {"phase": "Pending", "conditions": []}}

    def _delete(self, deletion: Deletion) -> None:
        if deletion.kind == "TrainingJob":
            self.user_deletes()
        elif deletion.kind == "PodGroup":
            if self.group and self.group["metadata"]["uid"] == deletion.uid:
                self.group = None
        elif (pod := self.pods.get(deletion.name)) and pod["metadata"]["uid"] == deletion.uid:
            self._delete_pod(pod, force=deletion.grace_seconds == 0)

    def _delete_pod(self, pod: Json, *, force: bool = False) -> None:
        name, node = pod["metadata"]["name"], pod["spec"].get("nodeName")
        if force:
            # What counts is what the operator saw: a node that was gone and is back had lost the pod.
            seen = self._view[2].get(node) if self._view else None
            assert seen in (None, NodeHealth.GONE), f"{name} is removed by force from {node}"
        if force or node is None:
            del self.pods[name]
        elif "deletionTimestamp" not in pod["metadata"]:
            self.pods[name] = leaving(pod, self.now)

    def _write_status(self, status: Manifest) -> None:
        if self.job is None:
            return
        before = self.job.get("status", {})
        after = copy.deepcopy(dict(status))
        for field in ("attempt", "restarts"):
            assert after[field] >= before.get(field, 0), f"{field} went back"
        assert after["restarts"] <= self.failures, "a restart was counted that no failure caused"
        assert after["restarts"] <= self.job["spec"]["failurePolicy"]["maxRestarts"]
        self.restarts = after["restarts"]
        self.job["status"] = after

    def _uid(self) -> str:
        self.made += 1
        return f"uid-{self.made}"

    # --- everybody else

    @property
    def phase(self) -> str | None:
        return self.job.get("status", {}).get("phase") if self.job else None

    def schedule(self) -> None:
        """The placement process: all or none of the gang get nodes."""
        waiting = [pod for pod in self.pods.values() if "nodeName" not in pod["spec"]]
        there = [pod for pod in self.pods.values() if "deletionTimestamp" not in pod["metadata"]]
        ready = [name for name, health in self.nodes.items() if health == NodeHealth.READY]
        if self.group is None or len(there) < self.workers or not ready:
            return
        for place, pod in enumerate(waiting):
            self.pods[pod["metadata"]["name"]] = bound(pod, ready[place % len(ready)], self.now)
        self.group["status"] = {"phase": "Scheduled", "scheduledTime": to_rfc3339(self.now)}

    def start(self, rank: int) -> None:
        """A kubelet starts the pod."""
        pod = self._pod(rank, "Pending")
        if pod and "nodeName" in pod["spec"] and self._alive(pod):
            self._put(running(pod, at=self.now))

    def end(self, rank: int, exit_code: int) -> None:
        """The pod's container ends."""
        pod = self._pod(rank, "Running")
        if pod and self._alive(pod):
            self.failures += exit_code != 0
            self._put(ended(pod, exit_code, at=self.now))

    def evict(self, rank: int) -> None:
        """Somebody else asks the pod to leave."""
        pod = self._pod(rank)
        if pod:
            self._delete_pod(disrupted(pod, "drained") if pod.get("status") else pod)

    def vanish(self, rank: int) -> None:
        """The pod goes before anybody looks."""
        self.evict(rank)
        self.stop(rank)

    def stop(self, rank: int) -> None:
        """The kubelet has ended a pod that was leaving."""
        pod = self._pod(rank)
        if pod and "deletionTimestamp" in pod["metadata"] and self._alive(pod):
            del self.pods[pod["metadata"]["name"]]

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def check(self) -> None:
        """A finished job stays as it finished."""
        if self.ended_as is not None and self.job is not None:
            assert self.phase == self.ended_as
        if self.phase in ("Succeeded", "Failed"):
            self.ended_as = self.phase

    def set_node(self, node: str, health: NodeHealth) -> None:
        self.nodes[node] = health

    def user_suspends(self, suspend: bool) -> None:
        if self.job is not None and self.job["spec"].get("suspend", False) != suspend:
            self.job["spec"]["suspend"] = suspend
            self.job["metadata"]["generation"] += 1

    def user_deletes(self) -> None:
        """The job goes, and the garbage collector takes all that it owns."""
        children = [*self.pods.values(), *(each for each in (self.group, self.service) if each)]
        for child in children:
            owners = [(each["uid"], each["controller"]) for each in child["metadata"]["ownerReferences"]]
            assert owners == [(UID, True)], f"{child['metadata']['name']} would be an orphan"
        self.job, self.group, self.service, self.pods = None, None, None, {}

    def _pod(self, rank: int, phase: str | None = None) -> Json | None:
        pod = self.pods.get(f"llm-worker-{rank}")
        return pod if pod and phase in (None, pod["status"]["phase"]) else None

    def _alive(self, pod: Json) -> bool:
        return self.nodes.get(pod["spec"]["nodeName"]) == NodeHealth.READY

    def _put(self, pod: Json) -> None:
        self.pods[pod["metadata"]["name"]] = pod

    def run_up(self) -> None:
        """All goes well until the gang runs, if nothing stands in its way."""
        for _ in range(6):
            self.now += self.reconcile().requeue_after or 0.0
            self.schedule()
            for rank in range(self.workers):
                self.stop(rank)
                self.start(rank)

    def settle(self, *, succeed: bool) -> None:
        """Nothing goes wrong any more: nodes are back or gone for good, and everybody does their part."""
        for node, health in self.nodes.items():
            if health == NodeHealth.UNREADY:
                self.nodes[node] = NodeHealth.READY
        self.nodes["node-new"] = NodeHealth.READY
        for _ in range(60):
            before = (self.job and self.job.get("status"), sorted(self.pods.items()), self.now)
            wait = self.reconcile().requeue_after
            self.schedule()
            for rank in range(self.workers):
                self.stop(rank)
                self.start(rank)
            if succeed and self.phase == "Running":
                for rank in range(self.workers):
                    self.end(rank, 0)
            self.now += wait or 1.0
            if before[:2] == (self.job and self.job.get("status"), sorted(self.pods.items())) and not wait:
                return
        raise AssertionError(f"the job does not come to rest: {self.job and self.job.get('status')}")
