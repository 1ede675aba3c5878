"""Where a pod may go: selectors, node affinity, tolerations and host ports, and what is refused.

What is *required* but not understood here must not be placed as if it were not there: `unsupported`
gives the sentence that its group waits with. Rules about other pods are read in `company`.
"""

from collections.abc import Iterable

from powertrain_scheduler.snapshot import HostPort, NodeTerm, Requirement, Toleration

from powertrain_operator.api import cluster

from .views import PodSpec

_ANY_ADDRESS = "0.0.0.0"
_NOWHERE = NodeTerm(fields=(Requirement("metadata.name", "In", ()),))
"""Matches no node: required affinity of which no term can match."""


def required_terms(affinity: cluster.NodeAffinity | None) -> tuple[NodeTerm, ...]:
    """Any one must hold; empty where nothing is required."""
    return any_of(affinity.required) if affinity and affinity.required else ()


def any_of(selector: cluster.NodeSelector) -> tuple[NodeTerm, ...]:
    """Its terms, never none: where none says anything, no node passes."""
    terms = tuple(node_term(term) for term in selector.node_selector_terms if _says_something(term))
    return terms or (_NOWHERE,)


def preferred_terms(affinity: cluster.NodeAffinity | None) -> tuple[tuple[int, NodeTerm], ...]:
    """(weight, term); a term that says nothing matches all nodes alike and is left out."""
    if affinity is None:
        return ()
    said = (wish for wish in affinity.preferred if _says_something(wish.preference))
    return tuple((wish.weight, node_term(wish.preference)) for wish in said)


def node_term(term: cluster.NodeSelectorTerm) -> NodeTerm:
    """One term, its values kept in the order they were written."""
    return NodeTerm(labels=_requirements(term.match_expressions), fields=_requirements(term.match_fields))


def tolerations(spec: PodSpec) -> tuple[Toleration, ...]:
    """What the pod puts up with; for how long (`tolerationSeconds`) does not matter for placing it."""
    found = spec.tolerations
    return tuple(Toleration(each.key, each.operator or "Equal", each.value, each.effect) for each in found)


def host_ports(spec: PodSpec) -> tuple[HostPort, ...]:
    """Ports of the node that containers and sidecars claim; on the host network, every port they name."""
    sidecars = (each for each in spec.init_containers if each.restart_policy == "Always")
    claimed = set(_claimed(spec.containers, spec.host_network))
    claimed.update(_claimed(sidecars, spec.host_network))
    return tuple(sorted(claimed, key=lambda port: (port.port, port.protocol, port.address)))


def unsupported(spec: PodSpec) -> str | None:
    """What the pod requires that placement cannot honour, as the end of "it requires ..."; None: nothing."""
    if spec.resource_claims:
        return "resource claims, which powertrain does not allocate; ask for the device's extended resource"
    return None


def claims(namespace: str, pod: str, spec: PodSpec) -> tuple[str, ...]:
    """The volume claims the pod mounts, as `namespace/name`, sorted."""
    found: list[str] = []
    for volume in spec.volumes:
        if volume.persistent_volume_claim is not None:
            found.append(f"{namespace}/{volume.persistent_volume_claim.claim_name}")
        elif volume.ephemeral is not None:
            found.append(f"{namespace}/{pod}-{volume.name}")
    return tuple(sorted(found)) if found else ()


def _says_something(term: cluster.NodeSelectorTerm) -> bool:
    """An empty term matches no node where it is required, as the API defines it."""
    return bool(term.match_expressions or term.match_fields)


def _requirements(rules: Iterable[cluster.SelectorRequirement]) -> tuple[Requirement, ...]:
    return tuple(Requirement(rule.key, rule.operator, rule.values) for rule in rules)


def _claimed(containers: Iterable[cluster.Container], host_network: bool) -> Iterable[HostPort]:
    for container in containers:
        for port in container.ports:
            number = port.host_port or (port.container_port if host_network else 0)
            if number:
                yield HostPort(port.protocol or "TCP", port.host_ip or _ANY_ADDRESS, number)
