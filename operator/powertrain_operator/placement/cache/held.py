"""Why placement keeps a group from the core: reasons beside the core's own closed set.

They are about Kubernetes, of which the core knows nothing: constraints that this version does not
place by, volumes, and bindings that the API server refused.
"""

from enum import StrEnum
from typing import NamedTuple


class HeldReason(StrEnum):
    """Reasons a group waits for that no decision could change."""

    UNSUPPORTED_CONSTRAINT = "UnsupportedConstraint"
    """A pod requires something that placement cannot honour, such as a resource claim."""
    VOLUME_NOT_BOUND = "VolumeNotBound"
    """A pod mounts a volume claim that has no volume, and will not get one by the pod's being placed."""
    BINDING_REFUSED = "BindingRefused"
    """The pod's binding was refused, or that of its volumes; it is tried again after a while."""


class Held(NamedTuple):
    """Why a group is held, for machines and for its owner."""

    reason: HeldReason
    message: str
