"""What the pods of one replica have in common, as far as serving goes."""

from dataclasses import dataclass

from powertrain_operator.api import InferenceService


@dataclass(frozen=True, slots=True)
class Serving:
    """One replica of a service."""

    service: InferenceService
    replica: int
    leader: str
    """DNS name of its first pod; only resolves for replicas over several nodes."""
    resource: str | None
    """The devices' resource name, which tells whose devices they are; None on CPUs."""

    @property
    def nodes(self) -> int:
        return self.service.spec.parallelism.nodes
