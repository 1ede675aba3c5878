"""From the stores to what a reconciler is told. Reads only what is in memory."""

from collections.abc import Iterator

from powertrain_operator.api import InferenceService, TrainingJob
from powertrain_operator.controller.keys import Key
from powertrain_operator.controller.stores import C, Children, Stores
from powertrain_operator.reconcile import ObservedJob, ObservedService
from powertrain_operator.reconcile.jobpods import service_name
from powertrain_operator.reconcile.replica import group_name
from powertrain_operator.reconcile.servicepods import nodes_service_name


def observe_job(job: TrainingJob, key: Key, stores: Stores, now: float) -> ObservedJob:
    """The job, its pods, and whatever bears the names that its PodGroup and Service should have."""
    return ObservedJob(
        now=now,
        job=job,
        pods=tuple(stores.pods.of(key)),
        group=stores.groups.by_name.get((key.namespace, job.name)),
        service=stores.services.by_name.get((key.namespace, service_name(job))),
        fleet=stores.fleet(),
    )


def observe_service(service: InferenceService, key: Key, stores: Stores, now: float) -> ObservedService:
    """The service, its children, and whatever else bears a name that one of them should have."""
    groups = {group.metadata.name: group for group in stores.groups.of(key)}
    wanted = (group_name(service.name, index) for index in range(service.spec.replicas + len(groups) + 1))
    groups |= {group.metadata.name: group for group in _named(stores.groups, key, *wanted)}
    names = (service.name, nodes_service_name(service))
    return ObservedService(
        now=now,
        service=service,
        pods=tuple(stores.pods.of(key)),
        groups=tuple(groups.values()),
        services=tuple(_named(stores.services, key, *names)),
        fleet=stores.fleet(),
    )


def _named(children: Children[C], key: Key, *names: str) -> Iterator[C]:
    found = (children.by_name.get((key.namespace, name)) for name in names)
    return (child for child in found if child is not None)
