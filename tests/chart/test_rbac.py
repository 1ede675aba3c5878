"""Who may do what, as tables. A change here changes what a cluster must trust us with."""

from typing import Any

import pytest

from .conftest import NAMESPACE, Render, named

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")

TABLES = {
    "ClusterRole powertrain-operator": """
acceleratorpools.powertrain.dev              list watch
inferenceservices.powertrain.dev         get list watch
inferenceservices.powertrain.dev/status                               patch
podgroups.powertrain.dev                     list watch create        patch delete
queues.powertrain.dev                        list watch
trainingjobs.powertrain.dev              get list watch                     delete
trainingjobs.powertrain.dev/status                                    patch
nodes                                        list watch
pods                                     get list watch create              delete
services                                     list watch create        patch delete
events.events.k8s.io                                    create        patch
""",
    "ClusterRole powertrain-scheduler": """
acceleratorpools.powertrain.dev              list watch
acceleratorpools.powertrain.dev/status                                patch
podgroups.powertrain.dev                     list watch
podgroups.powertrain.dev/status                                       patch
queues.powertrain.dev                        list watch
queues.powertrain.dev/status                                          patch
namespaces                                   list watch
nodes                                    get list watch
persistentvolumeclaims                       list watch               patch
persistentvolumes                        get list watch               patch
pods                                     get list watch                     delete
pods/binding                                            create
pods/status                                                           patch
events.events.k8s.io                                    create        patch
storageclasses.storage.k8s.io                list watch
""",
    "Role powertrain-scheduler": """
leases.coordination.k8s.io                              create
leases.coordination.k8s.io=powertrain-scheduler  get         update
""",
    "ClusterRole powertrain-view": """
inferenceservices.powertrain.dev         get list watch
inferenceservices.powertrain.dev/scale   get list watch
podgroups.powertrain.dev                 get list watch
trainingjobs.powertrain.dev              get list watch
""",
    "ClusterRole powertrain-edit": """
inferenceservices.powertrain.dev                        create update patch delete deletecollection
inferenceservices.powertrain.dev/scale                         update patch
podgroups.powertrain.dev                                create update patch delete deletecollection
trainingjobs.powertrain.dev                             create update patch delete deletecollection
""",
    "ClusterRole powertrain-fleet-view": """
acceleratorpools.powertrain.dev          get list watch
queues.powertrain.dev                    get list watch
""",
    "ClusterRole powertrain-plan": """
acceleratorpools.powertrain.dev              list
podgroups.powertrain.dev                     list
queues.powertrain.dev                        list
namespaces                                   list
nodes                                        list
persistentvolumeclaims                       list
persistentvolumes                            list
pods                                         list
storageclasses.storage.k8s.io                list
""",
    "ClusterRole powertrain-fleet-admin": """
acceleratorpools.powertrain.dev          get list watch create update patch delete deletecollection
queues.powertrain.dev                    get list watch create update patch delete deletecollection
""",
}


def rights(text: str) -> dict[str, set[str]]:
    """A table of above as resource -> verbs; the columns are there for the reader."""
    rows = [line.split() for line in text.strip().splitlines()]
    return {resource: set(verbs) for resource, *verbs in rows}


def granted(role: dict[str, Any]) -> dict[str, set[str]]:
    """What the rules of a role add up to."""
    found: dict[str, set[str]] = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                plural, slash, subresource = resource.partition("/")
                name = f"{plural}.{group}" if group else plural
                for only in rule.get("resourceNames", [""]):
                    key = f"{name}{slash}{subresource}" + (f"={only}" if only else "")
                    found.setdefault(key, set()).update(rule["verbs"])
    return found


def shown(table: dict[str, set[str]]) -> str:
    """The table as it stands above, so that a difference can be read and pasted."""
    groups = sorted(table, key=lambda key: ("powertrain.dev" not in key, "." in key, key))
    lines = []
    for resource in groups:
        cells = [verb if verb in table[resource] else " " * len(verb) for verb in VERBS]
        lines.append(f"{resource:<40} {' '.join(cells)}".rstrip())
    return "\n".join(lines)


@pytest.mark.parametrize("role", TABLES)
def test_a_role_grants_exactly_its_table(render: Render, role: str) -> None:
    kind, name = role.split()
    found = granted(named(render(), kind, name))
    assert shown(found) == shown(rights(TABLES[role])), f"{role} grants:\n{shown(found)}"


def test_there_is_no_role_without_a_table(render: Render) -> None:
    roles = {f"{o['kind']} {o['metadata']['name']}" for o in render() if o["kind"].endswith("Role")}
    assert roles == set(TABLES)


def test_no_role_has_a_wildcard_or_touches_secrets_and_roles(render: Render) -> None:
    for found in render():
        if not found["kind"].endswith("Role"):
            continue
        for rule in found["rules"]:
            words = {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
            forbidden = {"*", "secrets", "configmaps", "rbac.authorization.k8s.io", "escalate", "impersonate"}
            assert not words & forbidden, found["metadata"]["name"]


def test_each_process_has_its_own_account_and_its_own_role(render: Render) -> None:
    bindings = [o for o in render() if o["kind"].endswith("RoleBinding")]
    for binding in bindings:
        name = binding["metadata"]["name"]
        assert binding["roleRef"]["name"] == name
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}]
    assert sorted((b["kind"], b["metadata"]["name"]) for b in bindings) == [
        ("ClusterRoleBinding", "powertrain-operator"),
        ("ClusterRoleBinding", "powertrain-scheduler"),
        ("RoleBinding", "powertrain-scheduler"),
    ]


def test_what_a_process_writes_no_person_is_granted(render: Render) -> None:
    processes = {"powertrain-operator", "powertrain-scheduler"}
    people = [o for o in render() if o["kind"] == "ClusterRole" and o["metadata"]["name"] not in processes]
    assert len(people) == 5
    for role in people:
        assert not [resource for resource in granted(role) if resource.endswith("/status")]


@pytest.mark.parametrize(
    ("role", "joins"),
    [("powertrain-view", {"view", "edit", "admin"}), ("powertrain-edit", {"edit", "admin"})],
)
def test_people_get_our_kinds_with_the_clusters_own_roles(render: Render, role: str, joins: set[str]) -> None:
    labels = named(render(), "ClusterRole", role)["metadata"]["labels"]
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    assert {key.removeprefix(prefix) for key in labels if key.startswith(prefix)} == joins


def test_a_status_has_one_writer(render: Render) -> None:
    objects = render()
    writers = {
        name: {key for key in granted(named(objects, "ClusterRole", name)) if key.endswith("dev/status")}
        for name in ("powertrain-operator", "powertrain-scheduler")
    }
    assert not writers["powertrain-operator"] & writers["powertrain-scheduler"]
