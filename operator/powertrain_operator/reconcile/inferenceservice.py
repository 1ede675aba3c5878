"""What to do about an InferenceService, decided from what is seen of it: `reconcile_inference_service`."""

from collections.abc import Iterable, Sequence

from powertrain_operator.api.inferenceservice import InferenceServiceStatus
from powertrain_operator.reconcile import servicepods, servicestatus
from powertrain_operator.reconcile.children import deletion, is_outdated, is_owned, refuse_foreign
from powertrain_operator.reconcile.devices import check_queue, check_template, grant_of
from powertrain_operator.reconcile.observed import ObservedService
from powertrain_operator.reconcile.outcome import NOTHING, Deletion, Manifest, Note, Outcome
from powertrain_operator.reconcile.reasons import Problem
from powertrain_operator.reconcile.replica import Replica, group_name, pod_name, replicas_of
from powertrain_operator.reconcile.replicastep import Wanted, dismantle, step
from powertrain_operator.reconcile.rollout import new_indices, surplus, to_replace


def reconcile_inference_service(seen: ObservedService) -> Outcome:
    """The next step towards as many ready replicas of the present spec as are wanted."""
    if seen.service.metadata.deletion_timestamp is not None:
        return NOTHING  # its children go with it, by their owner references
    replicas = replicas_of(seen)
    if seen.service.spec.suspend:
        return _suspend(seen, replicas)
    return _serve(seen, replicas)


def _suspend(seen: ObservedService, replicas: Sequence[Replica]) -> Outcome:
    """No pods and no PodGroups; the Service stays, and with it the address."""
    template = servicepods.template_hash(seen.service)
    status = servicestatus.suspended_status(seen, replicas, template)
    steps = [dismantle(each, seen) for each in replicas]
    try:
        apply = _services(seen)
    except Problem:
        apply = ()
    return _together(seen, steps, status, apply=apply)


def _serve(seen: ObservedService, replicas: Sequence[Replica]) -> Outcome:
    """Remove what is too much, add what is missing, and take each replica its next step."""
    spec, template = seen.service.spec, servicepods.template_hash(seen.service)
    living = tuple(each for each in replicas if each.lives)
    removed = surplus(living, spec.replicas)
    kept = tuple(each for each in living if each not in removed)
    steps = [dismantle(each, seen) for each in replicas if each not in kept]
    added = tuple(
        Replica(index, None, 0, {}, (), spec.parallelism.nodes)
        for index in new_indices(replicas, _taken(seen), spec.replicas)
    )
    present = (*kept, *added)
    try:
        wanted = _wanted(seen, present, template)
        apply = _services(seen)
    except Problem as problem:
        return _together(seen, steps, servicestatus.problem_status(seen, kept, template, problem))
    turn = to_replace(kept, template, wanted=spec.replicas, max_unavailable=spec.rollout.max_unavailable)
    steps += [step(each, wanted, seen, replace=each.index in turn) for each in present]
    status = servicestatus.serving_status(seen, present, template)
    return _together(seen, steps, status, apply=apply, remove=_idle_services(seen, kept, template))


def _wanted(seen: ObservedService, replicas: Sequence[Replica], template: str) -> Wanted:
    """What pods are made from. Problem where some are needed and cannot be made in this cluster."""
    spec = seen.service.spec
    try:
        check_queue(spec.queue, seen.fleet)
        grant = grant_of(spec.devices, seen.fleet.pools)
        check_template(spec.template, grant)
    except Problem:
        if all(each.is_whole and each.is_made_from(template) for each in replicas):
            # Nothing is needed: what serves is not touched for a pool or a queue that is gone.
            return Wanted(seen.service, template, None, complete=True)
        raise
    return Wanted(seen.service, template, grant)


def _services(seen: ObservedService) -> tuple[Manifest, ...]:
    """Services that are missing or outdated. Problem where a name belongs to somebody else."""
    there = {service.metadata.name: service.metadata for service in seen.services}
    wanted = servicepods.services(seen.service)
    for manifest in wanted:
        refuse_foreign("Service", there.get(manifest["metadata"]["name"]), seen.service)
    return tuple(
        manifest
        for manifest in wanted
        if is_outdated(there.get(manifest["metadata"]["name"]), manifest, seen.service)
    )


def _idle_services(seen: ObservedService, replicas: Sequence[Replica], template: str) -> tuple[Deletion, ...]:
    """The headless Service, once no replica has several pods any more."""
    if not all(each.is_made_from(template) for each in replicas):
        return ()
    wanted = {manifest["metadata"]["name"] for manifest in servicepods.services(seen.service)}
    return tuple(
        deletion("Service", service.metadata)
        for service in seen.services
        if service.metadata.name not in wanted
        and is_owned(service.metadata, seen.service)
        and service.metadata.deletion_timestamp is None
    )


def _taken(seen: ObservedService) -> frozenset[int]:
    """Indices whose names belong to somebody else's PodGroup or pods."""
    service = seen.service
    children = [*(each.metadata for each in seen.groups), *(each.metadata for each in seen.pods)]
    names = {child.name for child in children if not is_owned(child, service)}
    nodes = service.spec.parallelism.nodes
    return frozenset(
        index
        for index in range(service.spec.replicas + len(names))
        if group_name(service.name, index) in names
        or any(pod_name(service.name, index, node, nodes) in names for node in range(nodes))
    )


def _together(
    seen: ObservedService,
    steps: Iterable[Outcome],
    status: InferenceServiceStatus,
    *,
    apply: tuple[Manifest, ...] = (),
    remove: tuple[Deletion, ...] = (),
) -> Outcome:
    """The replicas' steps as one outcome, with one status."""
    steps = tuple(steps)
    waits = [each.requeue_after for each in steps if each.requeue_after is not None]
    told: tuple[Note, ...] = tuple(note for each in steps for note in each.notes)
    return Outcome(
        apply=(*apply, *(manifest for each in steps for manifest in each.apply)),
        create=tuple(pod for each in steps for pod in each.create),
        delete=(*(gone for each in steps for gone in each.delete), *remove),
        status=servicestatus.changed(seen.service, status),
        notes=(*told, *servicestatus.notes(seen.service, status)),
        requeue_after=min(waits, default=None),
    )
