"""An InferenceService's children: its Services, a PodGroup for each replica, its replicas' pods."""

from collections.abc import Iterable
from typing import Any

from powertrain_operator.api import InferenceService
from powertrain_operator.api.names import (
    ANNOTATION_SPEC_HASH,
    LABEL_ATTEMPT,
    LABEL_POD_GROUP,
    LABEL_RANK,
    LABEL_REPLICA,
    LABEL_ROLE,
    LABEL_SERVICE,
    ROLE_LEADER,
    ROLE_WORKER,
)
from powertrain_operator.api.podtemplate import pod_manifest
from powertrain_operator.reconcile.children import (
    child_metadata,
    digest,
    essence,
    hashed,
    headless_service,
    pod_group,
    waiting_terms,
)
from powertrain_operator.reconcile.devices import Grant, digest_of
from powertrain_operator.reconcile.engines import ENGINES, Serving
from powertrain_operator.reconcile.engines.vllm import CONTAINER
from powertrain_operator.reconcile.outcome import Manifest
from powertrain_operator.reconcile.podbuilder import base, member
from powertrain_operator.reconcile.replica import group_name, pod_name
from powertrain_operator.reconcile.views import ANNOTATION_FAILURES, ANNOTATION_RESTART_AT

GRACE_SECONDS = 60
"""What a server gets to end the requests it has, its preStop included."""


def leaders(service: InferenceService) -> dict[str, str]:
    """Labels that pick the pods that answer requests."""
    return {LABEL_SERVICE: service.name, LABEL_ROLE: ROLE_LEADER}


def selector(service: InferenceService) -> str:
    return ",".join(f"{key}={value}" for key, value in leaders(service).items())


def url(service: InferenceService) -> str:
    """Without the cluster's domain, which nobody tells us: resolvers put it behind `.svc`."""
    return f"http://{service.name}.{service.namespace}.svc:{service.spec.port}"


def nodes_service_name(service: InferenceService) -> str:
    return f"{service.name}-nodes"


def services(service: InferenceService) -> tuple[Manifest, ...]:
    """The one that clients use, and where a replica has several pods, the one by which they meet."""
    if service.spec.parallelism.nodes == 1:
        return (client_service(service),)
    meeting = headless_service(service, nodes_service_name(service), {LABEL_SERVICE: service.name})
    return client_service(service), meeting


def client_service(service: InferenceService) -> Manifest:
    port = {"name": "http", "port": service.spec.port, "targetPort": service.spec.port, "protocol": "TCP"}
    spec = {"type": "ClusterIP", "selector": leaders(service), "ports": [port]}
    metadata = child_metadata(service, service.name, {LABEL_SERVICE: service.name})
    return hashed({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})


def group(
    service: InferenceService,
    replica: int,
    attempt: int,
    *,
    size: int,
    restart_at: float = 0.0,
    failures: int = 0,
) -> Manifest:
    """A replica's PodGroup with what it has to remember: see `replica`."""
    labels = {
        LABEL_SERVICE: service.name,
        LABEL_REPLICA: str(replica),
        LABEL_ATTEMPT: str(attempt),
    }
    notes = {}
    if restart_at:
        notes[ANNOTATION_RESTART_AT] = str(round(restart_at))
    if failures:
        notes[ANNOTATION_FAILURES] = str(failures)
    spec = {**waiting_terms(service), "minMember": size}
    return pod_group(service, group_name(service.name, replica), labels, spec, notes)


def template_hash(service: InferenceService) -> str:
    """Tells specs apart that need other pods: a change of it replaces the replicas."""
    spec = service.spec
    template = pod_manifest(spec.template) if spec.template else None
    parts = [spec.engine, essence(spec.model), list(spec.args), essence(spec.parallelism)]
    return digest([*parts, [essence(each) for each in spec.devices], template, spec.port])


def pods_hash(template: str, grant: Grant | None) -> str:
    """What a pod was made from: the template, and the pools' nodes of that moment."""
    return f"{template}-{digest_of(grant)}"


def pods(
    service: InferenceService, replica: int, attempt: int, nodes: Iterable[int], grant: Grant | None
) -> tuple[Manifest, ...]:
    """Pods of one replica by node rank; rank 0 leads."""
    count = service.spec.parallelism.nodes
    spread = count > 1
    leader = pod_name(service.name, replica, 0, count)
    serving = Serving(
        service=service,
        replica=replica,
        leader=f"{leader}.{nodes_service_name(service)}" if spread else "localhost",
        resource=grant.resource if grant else None,
    )
    shared = base(
        _template(service),
        service,
        group={
            LABEL_SERVICE: service.name,
            LABEL_POD_GROUP: group_name(service.name, replica),
            LABEL_REPLICA: str(replica),
            LABEL_ATTEMPT: str(attempt),
        },
        annotations={ANNOTATION_SPEC_HASH: pods_hash(template_hash(service), grant)},
        grant=grant,
        subdomain=nodes_service_name(service) if spread else None,
        # Several pods fail together or not at all: a container that came back alone would find no peers.
        restart_policy="Never" if spread else "Always",
    )
    return tuple(_pod(shared, serving, node) for node in nodes)


def _pod(shared: Manifest, serving: Serving, node: int) -> Manifest:
    name = pod_name(serving.service.name, serving.replica, node, serving.nodes)
    labels = {LABEL_RANK: str(node), LABEL_ROLE: ROLE_WORKER if node else ROLE_LEADER}
    pod = member(shared, name, labels, {})
    first, *others = pod["spec"]["containers"]
    complete = ENGINES[serving.service.spec.engine]
    return {**pod, "spec": {**pod["spec"], "containers": [complete(first, serving, node), *others]}}


def _template(service: InferenceService) -> dict[str, Any]:
    """The author's template, or one with nothing but the engine's container."""
    template = pod_manifest(service.spec.template) if service.spec.template else {}
    spec = template.get("spec") or {"containers": [{"name": CONTAINER}]}
    return {**template, "spec": {"terminationGracePeriodSeconds": GRACE_SECONDS, **spec}}
