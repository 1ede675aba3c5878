"""Which kinds there are and where the API serves them."""

from dataclasses import dataclass
from urllib.parse import quote

from powertrain_operator.api.names import GROUP, VERSION


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind as the API serves it; `plural` is its word in paths and metrics."""

    group: str
    """Empty for the core group."""
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(
        self, namespace: str | None = None, name: str | None = None, subresource: str | None = None
    ) -> str:
        """The URL's path: of the object, or without `name` of the collection.

        A namespaced kind without a namespace is the collection over all namespaces; it has no objects.
        """
        parts = ["/apis/" + self.group if self.group else "/api", self.version]
        if namespace and self.namespaced:
            parts += ("namespaces", quote(namespace, safe=""))
        elif name and self.namespaced:
            raise ValueError(f"{self.kind} {name}: a namespace is needed")
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


PODS = Resource("", "v1", "pods", "Pod")
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)
SERVICES = Resource("", "v1", "services", "Service")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
EVENTS = Resource("events.k8s.io", "v1", "events", "Event")

ACCELERATORPOOLS = Resource(GROUP, VERSION, "acceleratorpools", "AcceleratorPool", namespaced=False)
QUEUES = Resource(GROUP, VERSION, "queues", "Queue", namespaced=False)
TRAININGJOBS = Resource(GROUP, VERSION, "trainingjobs", "TrainingJob")
INFERENCESERVICES = Resource(GROUP, VERSION, "inferenceservices", "InferenceService")
PODGROUPS = Resource(GROUP, VERSION, "podgroups", "PodGroup")

BUILT_IN = (PODS, NODES, SERVICES, NAMESPACES, LEASES, EVENTS)
OURS = (ACCELERATORPOOLS, QUEUES, TRAININGJOBS, INFERENCESERVICES, PODGROUPS)
BY_KIND = {resource.kind: resource for resource in BUILT_IN + OURS}
