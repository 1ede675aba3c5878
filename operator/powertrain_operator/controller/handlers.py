"""What kopf does for us: it tells of every TrainingJob and InferenceService that comes, changes or goes.

Only `on.event`: the other kinds of handlers patch each object several times, put a finalizer and an
annotation with the whole spec on it, and none of that is needed to put a name into a queue.
"""

from collections.abc import Callable
from typing import Any

import kopf

from powertrain_operator.api.names import GROUP, VERSION
from powertrain_operator.kube.login import Endpoint, Login
from powertrain_operator.kube.resources import INFERENCESERVICES, TRAININGJOBS

Seen = Callable[[str | None, dict[str, Any]], None]
"""Called with kopf's word for what happened and the object."""


def registry(seen: Seen, login: Login) -> kopf.OperatorRegistry:
    """The handlers, each of one statement."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.event(GROUP, VERSION, TRAININGJOBS.plural, registry=handlers)
    async def training_job(event: kopf.RawEvent, **_: Any) -> None:
        seen(event["type"], dict(event["object"]))

    @kopf.on.event(GROUP, VERSION, INFERENCESERVICES.plural, registry=handlers)
    async def inference_service(event: kopf.RawEvent, **_: Any) -> None:
        seen(event["type"], dict(event["object"]))

    @kopf.on.login(registry=handlers)  # called again whenever the API server answers 401
    async def log_in(**_: Any) -> kopf.ConnectionInfo:
        return connection(await login.read())

    return handlers


def connection(endpoint: Endpoint) -> kopf.ConnectionInfo:
    """Our own client's login in kopf's terms."""
    return kopf.ConnectionInfo(
        server=endpoint.server,
        ca_path=endpoint.ca_file,
        insecure=endpoint.insecure,
        certificate_path=endpoint.cert_file,
        private_key_path=endpoint.key_file,
        scheme=endpoint.scheme,
        token=endpoint.token,
    )


def settings() -> kopf.OperatorSettings:
    """Everything that matters, said explicitly."""
    found = kopf.OperatorSettings()
    found.posting.enabled = False  # Events are told by our own recorder, where we mean them
    found.peering.standalone = (
        True  # one replica, replaced by Recreate: kopf's peering only freezes operators
    )
    found.scanning.disabled = True  # the CRDs are fixed, and looking for new ones needs rights we do not want
    found.watching.server_timeout = 300
    found.watching.connect_timeout = 10
    found.watching.inactivity_timeout = 90  # bookmarks come each minute
    found.watching.initial_streaming = False  # not served before Kubernetes 1.34
    found.watching.chunk_size = 500
    found.networking.request_timeout = 30
    found.networking.enforce_retry_after = True
    found.networking.error_backoffs = (0.25, 0.5, 1, 2, 4, 5, 5, 5, 5)  # not 21 s after the server is back
    found.process.ultimate_exiting_timeout = None  # ending the process is not kopf's affair
    found.execution.max_workers = 1  # all handlers are async
    return found
