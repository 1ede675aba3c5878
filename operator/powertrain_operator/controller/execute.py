"""Carries out an outcome: children, then the status, then the Events.

Nothing is decided here but what the API server forces upon us: an object that is gone or has changed
meanwhile has its outcome dropped, and a pod that will not be taken is told to its owner.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from powertrain_operator.api.names import ANNOTATION_SPEC_HASH, API_VERSION, FIELD_MANAGER_OPERATOR
from powertrain_operator.controller.expectations import Expectations
from powertrain_operator.controller.keys import Key
from powertrain_operator.controller.objects import Json, Objects
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.errors import (
    AlreadyExists,
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
)
from powertrain_operator.kube.events import EventRecorder, ObjectRef
from powertrain_operator.kube.resources import BY_KIND, PODS
from powertrain_operator.reconcile import Deletion, Manifest, Outcome
from powertrain_operator.reconcile.reasons import Reason
from powertrain_operator.reconcile.views import Pod

T = TypeVar("T")

CREATED_AT_ONCE = 500
"""Pods that one outcome creates at most; then the object is looked at anew, which may have been deleted."""

WRITES_AT_ONCE = 16
"""Requests under way for one object, so that a gang of thousands leaves room for the others."""


class Overtaken(Exception):
    """The object is gone, or another than the outcome was decided for; decide again."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the API server will not take a child."""

    reason: Reason
    message: str
    final: bool
    """The same request can never succeed; else it may, when a quota or a policy changes."""


class Executor:
    """Writes to the API server."""

    def __init__(
        self, client: Client, objects: Objects, expectations: Expectations, events: EventRecorder
    ) -> None:
        self._client = client
        self._objects = objects
        self._expectations = expectations
        self._events = events

    async def children(self, key: Key, seen: Json, outcome: Outcome) -> Refusal | None:
        """Apply, create and delete. Raises Overtaken, and ApiError where trying again may help."""
        if outcome.apply or outcome.create:
            await self._check(key, seen)
        try:
            await _each(outcome.apply, lambda manifest: self._apply(key, manifest))
            await _each(outcome.create[:CREATED_AT_ONCE], lambda manifest: self._create(key, seen, manifest))
        except Refused as refused:
            return refused.refusal
        await _each(outcome.delete, lambda deletion: self._delete(key, deletion))
        return None

    async def status(self, key: Key, seen: Json, status: Manifest) -> None:
        """Write the whole status, if the object is still the one that was looked at.

        Raises Overtaken and ApiError.
        """
        metadata = {"namespace": key.namespace, "name": key.name}
        version = {"resourceVersion": seen["metadata"]["resourceVersion"]}
        wanted = {"metadata": metadata | version, "status": status}
        try:
            answer = await self._client.apply(
                key.status, wanted, field_manager=FIELD_MANAGER_OPERATOR, type=dict
            )
        except NotFound as gone:
            self._objects.forget(key, seen["metadata"]["uid"])
            raise Overtaken from gone
        except Conflict as changed:
            raise Overtaken from changed
        self._objects.wrote({"apiVersion": API_VERSION, "kind": key.kind, **answer})

    def tell(self, key: Key, seen: Json, outcome: Outcome) -> None:
        """The outcome's Events."""
        ref = ObjectRef(API_VERSION, key.kind, key.namespace, key.name, seen["metadata"]["uid"])
        for note in outcome.notes:
            self._events.record(ref, note.type, note.reason, note.message)

    async def _check(self, key: Key, seen: Json) -> None:
        """Overtaken unless the object is just as it was seen.

        kopf may have missed its deletion, and the answer to our last status may have been lost on its
        way: nothing is made on the word of an attempt that is over.
        """
        try:
            now = await self._client.get(key.resource, key.namespace, key.name)
        except NotFound as gone:
            self._objects.forget(key, seen["metadata"]["uid"])
            raise Overtaken from gone
        if now["metadata"]["resourceVersion"] != seen["metadata"]["resourceVersion"]:
            self._objects.wrote({"apiVersion": API_VERSION, "kind": key.kind, **now})
            raise Overtaken

    async def _apply(self, key: Key, manifest: Manifest) -> None:
        kind, metadata = manifest["kind"], manifest["metadata"]
        child = (kind, metadata["namespace"], metadata["name"])
        mark = metadata["annotations"][ANNOTATION_SPEC_HASH]

        async def send() -> None:
            await self._client.apply(BY_KIND[kind], manifest, field_manager=FIELD_MANAGER_OPERATOR)

        self._expectations.application(key, child, mark)
        await self._sent(child, send())

    async def _create(self, key: Key, seen: Json, manifest: Manifest) -> None:
        metadata = manifest["metadata"]
        child = ("Pod", metadata["namespace"], metadata["name"])
        self._expectations.creation(key, child)
        try:
            await self._sent(child, self._client.create(PODS, manifest), kept=(AlreadyExists,))
        except AlreadyExists:
            await self._refuse_foreign(key, seen, child)

    async def _refuse_foreign(self, key: Key, seen: Json, child: tuple[str, str, str]) -> None:
        """A pod of ours that the stores do not show yet is as good as made; somebody else's is in the way."""
        _, namespace, name = child
        try:
            pod = await self._client.get(PODS, namespace, name, Pod)
        except NotFound:
            self._expectations.drop(child)
            raise Overtaken from None
        if any(owner.uid == seen["metadata"]["uid"] for owner in pod.metadata.owner_references):
            return
        self._expectations.drop(child)
        owners = [f"{owner.kind} {owner.name}" for owner in pod.metadata.owner_references if owner.controller]
        whose = f"belongs to {owners[0]}" if owners else f"was not made for {key}"
        message = f"Pod {name} {whose}; it has to go, or this needs another name"
        raise Refused(Refusal(Reason.NAME_TAKEN, message, final=True))

    async def _delete(self, key: Key, deletion: Deletion) -> None:
        resource = BY_KIND[deletion.kind]
        child = (deletion.kind, deletion.namespace, deletion.name)
        send = self._client.delete(
            resource,
            deletion.namespace,
            deletion.name,
            uid=deletion.uid,
            grace_seconds=deletion.grace_seconds,
            propagation="Background",
        )
        if deletion.kind == key.kind:
            await _gone_or(send)
            return
        self._expectations.deletion(key, child, deletion.uid)
        await _gone_or(self._sent(child, send, kept=(NotFound, Conflict)))

    async def _sent(
        self, child: tuple[str, str, str], send: Awaitable[T], kept: tuple[type[ApiError], ...] = ()
    ) -> T:
        """Send an announced write. Where it fails nothing is expected of it, unless the failure says
        that the stores are behind (`kept`)."""
        try:
            return await send
        except kept:
            raise
        except (Invalid, BadRequest) as refused:
            self._expectations.drop(child)
            message = f"{child[0]} {child[2]} is refused by the API server: {refused.message}"
            raise Refused(Refusal(Reason.POD_REFUSED, message, final=True)) from refused
        except Forbidden as refused:
            self._expectations.drop(child)
            message = f"{child[0]} {child[2]} may not be made: {refused.message}"
            raise Refused(Refusal(Reason.POD_REFUSED, message, final=False)) from refused
        except BaseException:
            self._expectations.drop(child)
            raise


class Refused(Exception):
    """Carries a refusal out of the requests that are under way."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


async def _gone_or(send: Awaitable[None]) -> None:
    """A deletion of what is not there any more has succeeded; the stores will show it."""
    try:
        await send
    except (NotFound, Conflict):
        return


async def _each(items: tuple[T, ...], act: Callable[[T], Awaitable[None]]) -> None:
    """Act on all, a bounded number at a time. A failure ends it, once what is under way has ended."""
    waiting, failed = iter(items), False

    async def work() -> None:
        nonlocal failed
        for item in waiting:
            if failed:
                return
            done = False
            try:
                await act(item)
                done = True
            finally:
                failed = failed or not done

    workers = (work() for _ in range(min(WRITES_AT_ONCE, len(items))))
    for result in await asyncio.gather(*workers, return_exceptions=True):
        if result is not None:
            raise result
