"""Every write of the placement process, each fenced: not sent unless we surely lead.

The client must not repeat requests by itself (`RetryPolicy(attempts=1)`), since a repetition has to
pass the fence again. What does no harm twice is repeated here.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from powertrain_operator.api.names import ANNOTATION_DEVICE, FIELD_MANAGER_SCHEDULER
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.errors import (
    ApiError,
    Conflict,
    NotFound,
    ServerError,
    TooManyRequests,
    Unreachable,
)
from powertrain_operator.kube.resources import NODES, PODS, Resource

from ..names import ObjectName
from ..timing import Timing
from ..translate.views import SELECTED_NODE, Node, PersistentVolume, Pod
from ..watches import CLAIMS, VOLUMES
from .outcome import retry_wait

ATTEMPTS = 5
_PASSES = (TooManyRequests, ServerError, Unreachable)
"""Failures that may be over at the next attempt."""


class Fenced(Exception):
    """Not sent: this process is no longer sure to hold the lease."""


class Writes:
    """The API server as the leader sees it. Methods raise Fenced, or the client's ApiError."""

    def __init__(self, client: Client, leads: Callable[[], bool], timing: Timing) -> None:
        self._client = client
        self.leads = leads
        """Whether a write would pass at this moment."""
        self._timing = timing

    async def bind(self, pod: ObjectName, node: str, uid: str, device: str = "") -> None:
        """Give the pod its node, and a share of this device there. Tried once: what a failure means is the
        caller's to find out."""
        self._fence()
        annotations = {ANNOTATION_DEVICE: device} if device else None
        await self._client.bind(pod.namespace, pod.name, node, uid=uid, annotations=annotations)

    async def select_node(self, claim: ObjectName, uid: str, node: str | None) -> None:
        """Have the claim's storage class make a volume for the node; None: for no node any more."""
        patch = {"metadata": {"uid": uid, "annotations": {SELECTED_NODE: node}}}
        await self._persist(lambda: self._client.merge_patch(CLAIMS, claim.namespace, claim.name, patch))

    async def promise_volume(self, volume: str, claim: ObjectName, uid: str) -> None:
        """Have this very volume bound to the claim, as kube-scheduler does for volumes that exist already.

        Conflict: it is another's by now.
        """
        there = await self._client.get(VOLUMES, None, volume, PersistentVolume)
        if there.spec.claim_ref is not None:
            if (there.spec.claim_ref.namespace, there.spec.claim_ref.name) == claim:
                return
            raise Conflict(409, "Conflict", f"volume {volume} is another claim's")
        reference = {
            "apiVersion": CLAIMS.api_version,
            "kind": CLAIMS.kind,
            "namespace": claim.namespace,
            "name": claim.name,
            "uid": uid,
        }
        patch = {
            "metadata": {
                "resourceVersion": there.metadata.resource_version,
                "annotations": {"pv.kubernetes.io/bound-by-controller": "yes"},
            },
            "spec": {"claimRef": reference},
        }
        await self._persist(lambda: self._client.merge_patch(VOLUMES, None, volume, patch))

    async def delete_pod(self, pod: ObjectName, uid: str, *, grace_seconds: int | None = None) -> None:
        """Ask this very pod to leave, by default with its own grace; one that is gone already is fine."""
        try:
            await self._persist(
                lambda: self._client.delete(
                    PODS, pod.namespace, pod.name, uid=uid, grace_seconds=grace_seconds
                )
            )
        except NotFound:
            return

    async def put_status(self, resource: Resource, name: ObjectName, status: dict[str, Any]) -> None:
        """Our part of an object's status becomes this. NotFound where the object is gone."""
        namespace = name.namespace or None
        await self._persist(
            lambda: self._client.patch_status(
                resource, namespace, name.name, status, field_manager=FIELD_MANAGER_SCHEDULER
            )
        )

    async def read_pod(self, pod: ObjectName) -> Pod | None:
        """The pod as it is now; None: gone. Reads are not fenced."""
        try:
            return await self._client.get(PODS, pod.namespace, pod.name, Pod)
        except NotFound:
            return None

    async def bound_pods(self, scheduler: str) -> list[Pod]:
        """All unfinished pods of a scheduler that hold a node, as of this moment."""
        unfinished = "status.phase!=Succeeded,status.phase!=Failed"
        fields = f"spec.schedulerName={scheduler},spec.nodeName!=,{unfinished}"
        return await self._client.list(PODS, type=Pod, fields=fields)

    async def node_exists(self, node: str) -> bool:
        """Whether the API server has such a node."""
        try:
            await self._client.get(NODES, None, node, Node)
        except NotFound:
            return False
        return True

    async def _persist(self, request: Callable[[], Awaitable[None]]) -> None:
        """Send until it is answered, at most `ATTEMPTS` times, through the fence each time."""
        attempt = 0
        while True:
            attempt += 1
            self._fence()
            try:
                return await request()
            except ApiError as failure:
                if attempt == ATTEMPTS or not isinstance(failure, _PASSES):
                    raise
                await self._timing.sleep(retry_wait(failure, attempt))

    def _fence(self) -> None:
        if not self.leads():
            raise Fenced
