"""Names of the objects that are reconciled."""

from typing import Any, NamedTuple

from powertrain_operator.kube.resources import INFERENCESERVICES, TRAININGJOBS, Resource

RESOURCES: dict[str, Resource] = {each.kind: each for each in (TRAININGJOBS, INFERENCESERVICES)}
"""The kinds that are reconciled."""


class StatusOf(Resource):
    """The status of a kind's objects, as if it were a kind of its own: for server-side apply."""

    def path(
        self, namespace: str | None = None, name: str | None = None, subresource: str | None = "status"
    ) -> str:
        return Resource.path(self, namespace, name, subresource)


STATUSES = {
    each.kind: StatusOf(each.group, each.version, each.plural, each.kind) for each in RESOURCES.values()
}


class Key(NamedTuple):
    """One TrainingJob or InferenceService."""

    kind: str
    namespace: str
    name: str

    @property
    def resource(self) -> Resource:
        return RESOURCES[self.kind]

    @property
    def status(self) -> Resource:
        return STATUSES[self.kind]

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def key_of(manifest: dict[str, Any]) -> Key:
    metadata = manifest["metadata"]
    return Key(manifest["kind"], metadata.get("namespace", ""), metadata["name"])
