"""A kind's CustomResourceDefinition, as a manifest and as text."""

from typing import Any, Final

import yaml
from powertrain_operator.api.definition import Column, Definition
from powertrain_operator.api.meta import Object
from powertrain_operator.api.names import GROUP, VERSION

from crdgen.schema import structural

_HEADER: Final = "# Made by hack/crdgen from powertrain_operator.api; edit the models and run `make crds`.\n"


def file_name(kind: type[Object[Any, Any]]) -> str:
    return f"{kind.definition.plural}.{GROUP}.yaml"


def crd(kind: type[Object[Any, Any]]) -> dict[str, Any]:
    """The CRD of a kind, with a fixed order of keys."""
    definition = kind.definition
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{definition.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": _names(kind.__name__, definition),
            "scope": "Namespaced" if definition.namespaced else "Cluster",
            "versions": [_version(kind)],
        },
    }


def text(kind: type[Object[Any, Any]]) -> str:
    """The CRD's file: the same models give the same text."""
    body = yaml.dump(crd(kind), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
    return _HEADER + body


def _names(kind: str, definition: Definition) -> dict[str, Any]:
    return {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": definition.plural,
        "singular": kind.lower(),
        "shortNames": [definition.short],
        "categories": ["powertrain"],
    }


def _version(kind: type[Object[Any, Any]]) -> dict[str, Any]:
    definition = kind.definition
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": _subresources(definition),
        "additionalPrinterColumns": [_column(column) for column in definition.columns],
    }
    if definition.selectable:
        version["selectableFields"] = [{"jsonPath": path} for path in definition.selectable]
    return version | {"schema": {"openAPIV3Schema": structural(kind)}}


def _subresources(definition: Definition) -> dict[str, Any]:
    status: dict[str, Any] = {"status": {}}
    if (scale := definition.scale) is None:
        return status
    paths = {
        "specReplicasPath": scale.wanted,
        "statusReplicasPath": scale.current,
        "labelSelectorPath": scale.selector,
    }
    return status | {"scale": paths}


def _column(column: Column) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": column.title, "type": column.kind, "jsonPath": column.path}
    return entry | {"priority": 1} if column.wide else entry


class _Dumper(yaml.SafeDumper):
    """Without anchors: the same value in two places is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)
