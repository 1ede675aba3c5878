"""A TrainingJob's children: its headless Service, its PodGroup, its workers' pods."""

from collections.abc import Iterable, Sequence
from typing import Any

from powertrain_operator.api import AcceleratorPool, TrainingJob
from powertrain_operator.api.names import (
    ANNOTATION_SPEC_HASH,
    LABEL_ATTEMPT,
    LABEL_JOB,
    LABEL_POD_GROUP,
    LABEL_RANK,
    LABEL_ROLE,
    LABEL_SHAPE,
    ROLE_WORKER,
)
from powertrain_operator.api.podtemplate import pod_manifest
from powertrain_operator.reconcile.children import digest, essence, headless_service, pod_group, waiting_terms
from powertrain_operator.reconcile.devices import Grant, digest_of
from powertrain_operator.reconcile.frameworks import Launch, environment
from powertrain_operator.reconcile.gang import Gang, worker_name
from powertrain_operator.reconcile.outcome import Manifest
from powertrain_operator.reconcile.podbuilder import base, member
from powertrain_operator.reconcile.shapes import choices


def service_name(job: TrainingJob) -> str:
    """Not the job's own name: an InferenceService of that name may want it for its clients."""
    return f"{job.name}-workers"


def service(job: TrainingJob) -> Manifest:
    return headless_service(job, service_name(job), {LABEL_JOB: job.name})


def group(
    job: TrainingJob, gang: Gang, excluded: Sequence[str], pools: Iterable[AcceleratorPool] = ()
) -> Manifest:
    """The PodGroup; `excluded` are nodes that it must not get, `pools` tell which of its shapes there are."""
    spec: dict[str, Any] = {**waiting_terms(job), "minMember": gang.size}
    if shapes := choices(job, pools):
        spec["shapes"] = shapes
    if job.spec.objective != "balanced":
        spec["objective"] = job.spec.objective
    if job.spec.runtime is not None:
        spec["runtime"] = job.spec.runtime.manifest()
    if job.spec.checkpoint is not None:
        spec["checkpoint"] = job.spec.checkpoint.manifest()
    if excluded:
        spec["excludedNodes"] = list(excluded)
    return pod_group(job, job.name, {LABEL_JOB: job.name}, spec)


def template_hash(job: TrainingJob) -> str:
    """Tells specs apart whose gangs could not be mixed: the part that only a suspended job may change."""
    spec = job.spec
    devices = [essence(each) for each in spec.devices]
    return digest([spec.framework, spec.workers.replicas, devices, pod_manifest(spec.workers.template)])


def pods_hash(job: TrainingJob, gang: Gang, grant: Grant | None) -> str:
    """What a pod was made from: the template, the pools' nodes of that moment and, where there is a choice,
    the shape."""
    made = digest_of(grant)
    if gang.shape is not None and len(job.spec.devices) > 1:
        made = digest([made, gang.shape.title, gang.size])
    return f"{template_hash(job)}-{made}"


def pods(job: TrainingJob, gang: Gang, grant: Grant | None) -> tuple[Manifest, ...]:
    """The workers of the present attempt that are missing."""
    spec, attempt = job.spec, gang.attempt
    shape = {LABEL_SHAPE: gang.shape.title} if gang.shape is not None and len(spec.devices) > 1 else {}
    launch = Launch(
        job=job.name,
        workers=gang.size,
        devices_per_worker=grant.count if grant else 0,
        coordinator=f"{worker_name(job.name, 0)}.{service_name(job)}",
        attempt=attempt,
    )
    shared = base(
        pod_manifest(spec.workers.template),
        job,
        group={
            LABEL_JOB: job.name,
            LABEL_POD_GROUP: job.name,
            LABEL_ATTEMPT: str(attempt),
            LABEL_ROLE: ROLE_WORKER,
            **shape,
        },
        annotations={ANNOTATION_SPEC_HASH: pods_hash(job, gang, grant)},
        grant=grant,
        subdomain=service_name(job),
        restart_policy="Never",
    )
    return tuple(
        member(
            shared,
            worker_name(job.name, rank),
            {LABEL_RANK: str(rank)},
            environment(spec.framework, launch, rank),
        )
        for rank in gang.missing
    )
