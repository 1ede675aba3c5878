"""Requests to the API server, one method a verb.

Objects go out as plain dicts. They come back as the msgspec type that the caller names: partial structs
of `api.cluster`, or `dict` for all fields. What a write answers is not decoded unless a type is given.
Every method raises the `ApiError` of `errors`; `retry` says what is repeated on failure.
"""

import builtins
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Any, Generic, Self, TypeVar, overload
from urllib.parse import urlencode

import msgspec

from powertrain_operator.kube.login import Endpoint, Session, login
from powertrain_operator.kube.resources import PODS, Resource
from powertrain_operator.kube.retry import BOUNDED, REAL, RetryPolicy, Waiting
from powertrain_operator.kube.transport import JSON, JUST_METADATA, Observe, Request, Transport, ignore

T = TypeVar("T")
Object = Mapping[str, Any]
"""A Kubernetes object as plain data."""

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
PAGE = 500
"""Objects a list page holds, as in client-go."""


class ListMetadata(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One answer to a list request."""

    metadata: ListMetadata
    items: list[T]


class Client:
    """A connection to one API server as one identity; shared by everything in the process."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._encode = msgspec.json.Encoder().encode

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        kubeconfig: str | None = None,
        *,
        user_agent: str = "powertrain",
        concurrency: int = 32,
        timeout: float = 30.0,
        observe: Observe = ignore,
        retry: RetryPolicy = BOUNDED,
        waiting: Waiting = REAL,
    ) -> AsyncIterator[Self]:
        """Log in by `login.login` and close all connections at the end. Nothing is requested yet.

        `concurrency` bounds the requests under way (watches not counted), `timeout` is seconds for one
        attempt. Raises ConfigError.
        """
        session = await Session.start(login(kubeconfig), waiting.clock)
        transport = Transport(
            session,
            user_agent=user_agent,
            concurrency=concurrency,
            timeout=timeout,
            observe=observe,
            retry=retry,
            waiting=waiting,
        )
        try:
            yield cls(transport)
        finally:
            await transport.close()

    @property
    def endpoint(self) -> Endpoint:
        """What another client in this process needs to log in as we do."""
        return self._transport.endpoint

    async def renew(self) -> Endpoint:
        """The endpoint with credentials read anew, for a client that was answered 401."""
        await self._transport.renew()
        return self._transport.endpoint

    # --- reading

    @overload
    async def get(self, resource: Resource, namespace: str | None, name: str) -> dict[str, Any]: ...
    @overload
    async def get(self, resource: Resource, namespace: str | None, name: str, type: type[T]) -> T: ...
    async def get(self, resource: Resource, namespace: str | None, name: str, type: type[Any] = dict) -> Any:
        """One object."""
        request = Request("get", resource.plural, "GET", resource.path(namespace, name))
        return _decode((await self._transport.call(request)).body, type)

    @overload
    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str | None = None,
        fields: str | None = None,
    ) -> builtins.list[dict[str, Any]]: ...
    @overload
    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        type: type[T],
        labels: str | None = None,
        fields: str | None = None,
    ) -> builtins.list[T]: ...
    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        type: type[Any] = dict,
        labels: str | None = None,
        fields: str | None = None,
    ) -> builtins.list[Any]:
        """All objects, of all namespaces where none is given, fetched in pages of one moment."""
        found: builtins.list[Any] = []
        cursor = ""
        while True:
            body = await self.list_page(
                resource, namespace, labels=labels, fields=fields, limit=PAGE, cursor=cursor
            )
            page = _decode(body, Page[type])  # type: ignore[valid-type]
            found += page.items
            cursor = page.metadata.continue_
            if not cursor:
                return found

    async def list_page(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        labels: str | None,
        fields: str | None,
        limit: int,
        cursor: str = "",
    ) -> bytes:
        """One page of a list as it came; `cursor` is the `continue` of the page before."""
        query = _query(labelSelector=labels, fieldSelector=fields, limit=limit, **{"continue": cursor})
        request = Request("list", resource.plural, "GET", resource.path(namespace) + query)
        return (await self._transport.call(request)).body

    def watch(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        labels: str | None,
        fields: str | None,
        resource_version: str,
        seconds: int,
        silence: float,
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The raw stream of changes since `resource_version`, which the server ends after `seconds`."""
        query = _query(
            watch=1,
            allowWatchBookmarks="true",
            labelSelector=labels,
            fieldSelector=fields,
            resourceVersion=resource_version,
            timeoutSeconds=seconds,
        )
        return self._transport.stream(resource.plural, resource.path(namespace) + query, silence=silence)

    # --- writing

    @overload
    async def create(self, resource: Resource, obj: Object, namespace: str | None = None) -> None: ...
    @overload
    async def create(
        self, resource: Resource, obj: Object, namespace: str | None = None, *, type: type[T]
    ) -> T: ...
    async def create(
        self,
        resource: Resource,
        obj: Object,
        namespace: str | None = None,
        *,
        type: type[Any] | None = None,
    ) -> Any:
        """Create the object; it is repeated only where it surely was not processed.

        After Unreachable with `sent`, or ServerError, the object may or may not be there: read it.
        """
        namespace = namespace or obj["metadata"].get("namespace")
        return await self._write(
            "create", resource, "POST", resource.path(namespace), obj, type=type, repeatable=False
        )

    @overload
    async def replace(self, resource: Resource, obj: Object) -> None: ...
    @overload
    async def replace(self, resource: Resource, obj: Object, *, type: type[T]) -> T: ...
    async def replace(self, resource: Resource, obj: Object, *, type: type[Any] | None = None) -> Any:
        """Put the whole object in place of the one whose resourceVersion it carries, else Conflict."""
        return await self._write("update", resource, "PUT", _place(resource, obj), obj, type=type)

    @overload
    async def apply(
        self, resource: Resource, obj: Object, *, field_manager: str, force: bool = True
    ) -> None: ...
    @overload
    async def apply(
        self, resource: Resource, obj: Object, *, field_manager: str, force: bool = True, type: type[T]
    ) -> T: ...
    async def apply(
        self,
        resource: Resource,
        obj: Object,
        *,
        field_manager: str,
        force: bool = True,
        type: type[Any] | None = None,
    ) -> Any:
        """Server-side apply: our fields become these, those we no longer name go, others' stay.

        The object needs metadata.name (and namespace); apiVersion and kind are filled in.
        """
        path = _place(resource, obj) + _query(fieldManager=field_manager, force=_flag(force))
        whole = {"apiVersion": resource.api_version, "kind": resource.kind, **obj}
        return await self._write("apply", resource, "PATCH", path, whole, content_type=APPLY, type=type)

    async def patch_status(
        self, resource: Resource, namespace: str | None, name: str, status: Object, *, field_manager: str
    ) -> None:
        """Server-side apply of the whole status: what it no longer names and was ours is removed."""
        metadata = {"name": name, "namespace": namespace} if resource.namespaced else {"name": name}
        whole: dict[str, Any] = {"apiVersion": resource.api_version, "kind": resource.kind}
        whole |= {"metadata": metadata, "status": status}
        path = resource.path(namespace, name, "status") + _query(fieldManager=field_manager, force="true")
        await self._write("apply", resource, "PATCH", path, whole, content_type=APPLY, subresource="status")

    async def merge_patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        patch: Object,
        *,
        subresource: str | None = None,
    ) -> None:
        """JSON merge patch: named fields are set, those set to None removed, lists replaced.

        With metadata.resourceVersion or uid in the patch it fails with Conflict where they differ.
        """
        path = resource.path(namespace, name, subresource)
        await self._write(
            "patch", resource, "PATCH", path, patch, content_type=MERGE, subresource=subresource
        )

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        grace_seconds: int | None = None,
        propagation: str | None = None,
    ) -> None:
        """Ask for deletion; Conflict where `uid` is given and the object of that name is another.

        `propagation` is Background, Foreground or Orphan. A repeat may find it gone: NotFound.
        """
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": grace_seconds,
            "propagationPolicy": propagation,
            "preconditions": {"uid": uid} if uid else None,
        }
        body = {key: value for key, value in options.items() if value is not None}
        await self._write("delete", resource, "DELETE", resource.path(namespace, name), body)

    async def bind(
        self, namespace: str, pod: str, node: str, *, uid: str, annotations: Mapping[str, str] | None = None
    ) -> None:
        """Give the pod its node, and these annotations with it. Conflict: it has one, is being deleted, or is not the pod of that uid.

        Never repeated when the outcome is unknown: after Unreachable with `sent`, or ServerError, read
        the pod.
        """
        binding: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod, "namespace": namespace, "uid": uid},
            "target": {"kind": "Node", "name": node},
        }
        if annotations:
            binding["metadata"] |= {"annotations": dict(annotations)}
        path = PODS.path(namespace, pod, "binding")
        await self._write("bind", PODS, "POST", path, binding, subresource="binding", repeatable=False)

    async def _write(
        self,
        verb: str,
        resource: Resource,
        method: str,
        path: str,
        body: Object,
        *,
        content_type: str = JSON,
        subresource: str | None = None,
        type: type[Any] | None = None,
        repeatable: bool = True,
    ) -> Any:
        label = f"{resource.plural}/{subresource}" if subresource else resource.plural
        accept = JSON if type else JUST_METADATA
        request = Request(verb, label, method, path, self._encode(body), content_type, accept, repeatable)
        answer = (await self._transport.call(request)).body
        return _decode(answer, type) if type else None


@cache
def decoder(type: Any) -> "msgspec.json.Decoder[Any]":
    """The decoder of a type, made once."""
    return msgspec.json.Decoder(type)


def _decode(body: bytes, type: Any) -> Any:
    return decoder(type).decode(body)


def _place(resource: Resource, obj: Object) -> str:
    return resource.path(obj["metadata"].get("namespace"), obj["metadata"]["name"])


def _query(**parameters: str | int | None) -> str:
    given = {name: value for name, value in parameters.items() if value not in (None, "")}
    return "?" + urlencode(given) if given else ""


def _flag(value: bool) -> str:
    return "true" if value else "false"
