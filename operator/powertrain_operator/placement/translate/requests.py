"""What a pod takes of a node: its effective request, as kube-scheduler works it out.

Containers and sidecars (init containers that restart `Always`) run together and add up. Each other
init container runs beside the sidecars started before it; the largest such moment counts where it
is more. Pod-level resources replace that for CPU, memory and huge pages; overhead comes on top.
"""

from collections.abc import Iterable, Mapping

from powertrain_scheduler.snapshot import CPU, MEMORY, PODS

from powertrain_operator.api.cluster import Container, ResourceRequirements
from powertrain_operator.api.quantity import Quantity, amount

from .views import Pod, PodSpec

Amounts = dict[str, int]
"""By resource: thousandths of a core, bytes, or counts."""

MOST = 2**52
"""A larger request is cut down to this: no node has 4 PiB of anything, and thousands of such requests
still add up in 64 bits, whatever somebody writes into a pod."""


Allocated = tuple[tuple[str, tuple[tuple[str, Quantity], ...]], ...]
"""(container, ((resource, quantity), ...)): what is set aside for containers of which the spec says otherwise."""


def allocated(pod: Pod) -> Allocated:
    """Containers that are being resized in place. The spec says what is wanted; until the kubelet follows, both count."""
    found: list[tuple[str, tuple[tuple[str, Quantity], ...]]] = []
    if not any(each.allocated_resources for each in pod.status.container_statuses):
        return ()
    wanted = {each.name: each.resources.requests for each in pod.spec.containers}
    for status in pod.status.container_statuses:
        said = wanted.get(status.name, {})
        other = {name: text for name, text in status.allocated_resources.items() if said.get(name) != text}
        if other:
            found.append((status.name, tuple(sorted(other.items()))))
    return tuple(found)


def effective_request(spec: PodSpec, held: Allocated = ()) -> tuple[tuple[str, int], ...]:
    """(resource, amount) sorted by resource, zeros left out, always with one of `pods`.

    `held` is what containers hold beside what the spec says: the larger counts.
    Raises ValueError that names the container and resource of a bad quantity.
    """
    request = _run_request(spec, held)
    if spec.resources is not None:
        request |= _pod_level(spec.resources)
    _add(request, _amounts(spec.overhead, "overhead"))
    request[PODS] = 1
    return tuple(sorted((resource, min(wanted, MOST)) for resource, wanted in request.items() if wanted))


def bad_quantities(spec: PodSpec) -> list[tuple[str, str]]:
    """(path, what is wrong) of every quantity that cannot be read, for manifests a person wrote."""
    wrong: list[tuple[str, str]] = []
    for field, containers in (("containers", spec.containers), ("initContainers", spec.init_containers)):
        for index, container in enumerate(containers):
            path = f"spec.{field}[{index}].resources"
            wrong += wrong_amounts(f"{path}.requests", container.resources.requests)
            wrong += wrong_amounts(f"{path}.limits", container.resources.limits)
    if spec.resources is not None:
        wrong += wrong_amounts("spec.resources.requests", spec.resources.requests)
        wrong += wrong_amounts("spec.resources.limits", spec.resources.limits)
    return wrong + wrong_amounts("spec.overhead", spec.overhead)


def _run_request(spec: PodSpec, held: Allocated) -> Amounts:
    """The most that the pod's containers take at any moment of its life."""
    running = _sum(spec.containers, held)
    if not spec.init_containers:
        return running
    sidecars: Amounts = {}
    largest: Amounts = {}
    for container in spec.init_containers:
        wanted = _container_request(container)
        if container.restart_policy == "Always":
            _add(sidecars, wanted)
            wanted = sidecars
        else:
            _add(wanted, sidecars)
        _raise_to(largest, wanted)
    _add(running, sidecars)
    _raise_to(running, largest)
    return running


def _sum(containers: Iterable[Container], held: Allocated) -> Amounts:
    total: Amounts = {}
    besides = dict(held)
    for container in containers:
        wanted = _container_request(container)
        if container.name in besides:
            _raise_to(wanted, _amounts(dict(besides[container.name]), f"container {container.name!r}"))
        _add(total, wanted)
    return total


def _container_request(container: Container) -> Amounts:
    """A limit without a request is the request too, as the API server defaults it."""
    resources = container.resources
    return _amounts({**resources.limits, **resources.requests}, f"container {container.name!r}")


def _pod_level(resources: ResourceRequirements) -> Amounts:
    """What `spec.resources` says in place of the containers' sums: only these three kinds may stand there."""
    named = {**resources.limits, **resources.requests}
    kept = {
        name: text for name, text in named.items() if name in (CPU, MEMORY) or name.startswith("hugepages-")
    }
    return _amounts(kept, "the pod's resources")


def _amounts(quantities: Mapping[str, Quantity], whose: str) -> Amounts:
    try:
        return {resource: amount(resource, text) for resource, text in quantities.items()}
    except ValueError as error:
        raise ValueError(f"{whose}: {error}") from error


def _add(total: Amounts, more: Amounts) -> None:
    for resource, wanted in more.items():
        total[resource] = total.get(resource, 0) + wanted


def _raise_to(total: Amounts, floor: Amounts) -> None:
    for resource, wanted in floor.items():
        if wanted > total.get(resource, 0):
            total[resource] = wanted


def wrong_amounts(path: str, quantities: Mapping[str, Quantity]) -> list[tuple[str, str]]:
    """(path, what is wrong) of every quantity in a map that cannot be read."""
    found: list[tuple[str, str]] = []
    for resource, text in quantities.items():
        try:
            amount(resource, text)
        except ValueError as error:
            found.append((f"{path}[{resource}]", str(error)))
    return found
