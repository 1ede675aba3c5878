"""How placement names things: pods, groups, and the label that picks a plain pod's queue.

The core knows every object by one string. A PodGroup is `namespace/name`; a plain pod that no
PodGroup covers is a group of one by the name `namespace/pod/name`, which no PodGroup can have.
"""

from typing import Final, NamedTuple

from powertrain_operator.api.names import DEFAULT_QUEUE

LABEL_QUEUE: Final = "powertrain.dev/queue"
"""On a pod without a PodGroup: the queue it waits in; the default queue where it is absent."""

_ALONE = "/pod/"


class ObjectName(NamedTuple):
    """A namespaced object's two names."""

    namespace: str
    name: str


def key(namespace: str, name: str) -> str:
    """A pod's or PodGroup's name in the core; cluster objects have no namespace there."""
    return f"{namespace}/{name}" if namespace else name


def alone(namespace: str, pod: str) -> str:
    """The name of the group of one that a plain pod is."""
    return namespace + _ALONE + pod


def is_alone(group: str) -> bool:
    """Whether this is a plain pod's group, for which no PodGroup object exists."""
    return _ALONE in group


def split(key: str) -> ObjectName:
    """A pod's or group's namespace and name; a plain pod's group has its pod's name."""
    namespace, _, name = key.rpartition("/")
    return ObjectName(namespace.removesuffix("/pod"), name)


def queue_of(labels: dict[str, str]) -> str:
    """The queue that a plain pod asks for."""
    return labels.get(LABEL_QUEUE) or DEFAULT_QUEUE
