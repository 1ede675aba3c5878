"""Whether the API server serves our kinds yet: kopf looks once, when it starts, and never again."""

from collections.abc import Iterable
from typing import Any

from powertrain_operator.api.names import GROUP, VERSION
from powertrain_operator.controller.keys import RESOURCES
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.errors import NotFound
from powertrain_operator.kube.resources import Resource


class _Page(Resource):
    """A page of the API server's own description, as if it were an object."""

    def path(
        self, namespace: str | None = None, name: str | None = None, subresource: str | None = None
    ) -> str:
        return f"/apis/{self.group}/{self.version}" if self.group else "/apis"


_GROUPS = _Page("", VERSION, "apis", "APIGroupList", namespaced=False)
_KINDS = _Page(GROUP, VERSION, "apis", "APIResourceList", namespaced=False)


async def missing(client: Client) -> str | None:
    """Which of our kinds is not served, as a sentence; None where all are. Raises ApiError."""
    try:
        groups = await client.get(_GROUPS, None, GROUP)
        kinds = await client.get(_KINDS, None, GROUP)
    except NotFound:
        groups, kinds = {}, {}
    there = _names(kinds.get("resources")) if GROUP in _names(groups.get("groups")) else set()
    absent = [resource.plural for resource in RESOURCES.values() if resource.plural not in there]
    return f"the API server does not serve {absent[0]}.{GROUP}: are the CRDs installed?" if absent else None


def _names(entries: Iterable[dict[str, Any]] | None) -> set[str]:
    return {str(entry.get("name")) for entry in entries or ()}
