"""The chart's whole life on a real API server: installed, upgraded, uninstalled, installed again.

On a cluster of its own, since a release owns cluster-wide names. KWOK runs the pods, so Helm's
`--wait` waits for Deployments that really come up.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from localcluster import Cluster, NodeShape
from localcluster.errors import CommandFailed
from powertrain_operator.cli import main

CHART_FOLDER = Path(__file__).resolve().parents[2] / "charts" / "powertrain"
CHART = str(CHART_FOLDER)
SYSTEM = "powertrain-system"
SOON = "--timeout=120s"
OPERATOR = f"system:serviceaccount:{SYSTEM}:powertrain-operator"
SCHEDULER = f"system:serviceaccount:{SYSTEM}:powertrain-scheduler"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with one node and no Powertrain, its system namespace held to `restricted`."""
    with Cluster.start(tmp_path_factory.mktemp("chart"), scheduler=True) as cluster:
        cluster.add_nodes([NodeShape("plain", count=1)])
        cluster.kubectl("create", "namespace", SYSTEM)
        cluster.kubectl("label", "namespace", SYSTEM, "pod-security.kubernetes.io/enforce=restricted")
        for namespace in ("team-a", "team-b"):
            cluster.kubectl("create", "namespace", namespace)
        yield cluster


@pytest.fixture
def installed(bare: Cluster) -> Cluster:
    """The cluster with the chart's defaults in it and up, whatever the tests before left there."""
    helm(bare, "upgrade", "--install", "--reset-values", "--wait", SOON)
    return bare


def helm(cluster: Cluster, verb: str, *arguments: str) -> str:
    return cluster.helm(verb, "powertrain", CHART, "--namespace", SYSTEM, *arguments)


def names(cluster: Cluster, kind: str, *where: str) -> set[str]:
    listed = cluster.kubectl("get", kind, "--ignore-not-found", "-o", "name", *where)
    return {line.partition("/")[2] for line in listed.splitlines()}


def may(cluster: Cluster, who: str, verb: str, resource: str, namespace: str = "team-a") -> bool:
    """Whether the API server's own authorizer says yes."""
    plural, _, rest = resource.partition(".")
    group, _, subresource = rest.partition("/") if rest else ("", "", "")
    if not rest:
        plural, _, subresource = plural.partition("/")
    question = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": who,
            "resourceAttributes": {
                "namespace": namespace,
                "verb": verb,
                "group": group,
                "resource": plural,
                "subresource": subresource,
            },
        },
    }
    answer = cluster.api.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", question)
    return bool(answer["status"]["allowed"])


def eventually(true: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not so after {seconds:g} s"
        time.sleep(0.1)


def test_an_installation_comes_up_in_a_namespace_that_enforces_restricted(installed: Cluster) -> None:
    # `--wait` has seen both Deployments available: their pods passed Pod Security's admission.
    for component in ("operator", "scheduler"):
        selector = f"app.kubernetes.io/component={component}"
        pods = json.loads(
            installed.kubectl("get", "pods", "--namespace", SYSTEM, "-l", selector, "-o", "json")
        )
        assert {pod["status"]["phase"] for pod in pods["items"]} == {"Running"}
    assert "default" in names(installed, "queues.powertrain.dev")


def test_that_namespace_does_refuse_a_pod_that_is_not_restricted(bare: Cluster) -> None:
    with pytest.raises(CommandFailed, match='violates PodSecurity "restricted:latest"'):
        bare.kubectl("run", "loose", "--image=localhost/loose", "--namespace", SYSTEM, "--dry-run=server")


def test_every_pod_that_the_values_can_ask_for_is_restricted(bare: Cluster) -> None:
    values = {
        "operator": {"priorityClassName": "", "tolerations": [{"operator": "Exists"}]},
        "scheduler": {"replicas": 3, "podLabels": {"team": "platform"}},
        "metrics": {"port": 9090, "annotations": True},
        "imagePullSecrets": [{"name": "registry"}],
        "image": {"digest": "sha256:" + "0" * 64},
    }
    rendered = bare.helm(
        "template", "powertrain", CHART, "--namespace", SYSTEM, "--values", "-", stdin=yaml.safe_dump(values)
    )
    templates = [
        (found["metadata"]["name"], found["spec"]["template"])
        for found in yaml.safe_load_all(rendered)
        if found and found["kind"] == "Deployment"
    ]
    assert len(templates) == 2
    for name, template in templates:
        # The account is the release's; admission would refuse a pod for its absence first.
        spec = template["spec"] | {"serviceAccountName": "default"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": spec}
        pod["metadata"]["name"] = name
        path = f"/api/v1/namespaces/{SYSTEM}/pods?dryRun=All"
        assert bare.api.post(path, pod)["spec"]["securityContext"]["runAsNonRoot"] is True


ALLOWED = [
    (OPERATOR, "patch", "trainingjobs.powertrain.dev/status"),
    (OPERATOR, "delete", "trainingjobs.powertrain.dev"),
    (OPERATOR, "create", "pods"),
    (OPERATOR, "patch", "services"),
    (OPERATOR, "watch", "nodes"),
    (OPERATOR, "patch", "podgroups.powertrain.dev"),
    (OPERATOR, "create", "events.events.k8s.io"),
    (SCHEDULER, "create", "pods/binding"),
    (SCHEDULER, "patch", "pods/status"),
    (SCHEDULER, "delete", "pods"),
    (SCHEDULER, "watch", "nodes"),
    (SCHEDULER, "list", "persistentvolumes"),
    (SCHEDULER, "patch", "podgroups.powertrain.dev/status"),
    (SCHEDULER, "patch", "acceleratorpools.powertrain.dev/status"),
]
REFUSED = [
    (OPERATOR, "get", "secrets"),
    (OPERATOR, "get", "configmaps"),
    (OPERATOR, "create", "pods/binding"),
    (OPERATOR, "patch", "pods"),
    (OPERATOR, "delete", "nodes"),
    (OPERATOR, "create", "pods/exec"),
    (OPERATOR, "patch", "trainingjobs.powertrain.dev"),
    (OPERATOR, "delete", "inferenceservices.powertrain.dev"),
    (OPERATOR, "patch", "podgroups.powertrain.dev/status"),
    (OPERATOR, "create", "clusterrolebindings.rbac.authorization.k8s.io"),
    (OPERATOR, "update", "leases.coordination.k8s.io"),
    (SCHEDULER, "get", "secrets"),
    (SCHEDULER, "create", "pods"),
    (SCHEDULER, "patch", "pods"),
    (SCHEDULER, "patch", "nodes"),
    (SCHEDULER, "delete", "nodes"),
    (SCHEDULER, "patch", "trainingjobs.powertrain.dev/status"),
    (SCHEDULER, "delete", "podgroups.powertrain.dev"),
    (SCHEDULER, "update", "leases.coordination.k8s.io"),
]


def test_the_authorizer_says_what_the_roles_mean(installed: Cluster) -> None:
    asked = [(question, may(installed, *question)) for question in ALLOWED + REFUSED]
    assert [question for question, yes in asked if yes] == ALLOWED


def test_the_scheduler_holds_a_lease_in_its_own_namespace_only(installed: Cluster) -> None:
    lease = "leases.coordination.k8s.io"
    assert may(installed, SCHEDULER, "create", lease, SYSTEM)
    assert not may(installed, SCHEDULER, "create", lease, "team-a")
    as_scheduler = ("--as", SCHEDULER, "--namespace", SYSTEM)
    assert "yes" in installed.kubectl(
        "auth", "can-i", "update", f"{lease}/powertrain-scheduler", *as_scheduler
    )
    other = installed.kubectl("auth", "can-i", "update", f"{lease}/other", *as_scheduler, check=False)
    assert other.strip() == "no"


@pytest.mark.parametrize("role", ["view", "edit", "admin"])
def test_a_tenants_ordinary_role_reaches_our_kinds_in_their_namespace_only(
    installed: Cluster, role: str
) -> None:
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"ada-{role}", "namespace": "team-a"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": f"ada-{role}"}],
    }
    installed.kubectl("apply", "-f", "-", stdin=json.dumps(binding))
    ada, job = f"ada-{role}", "trainingjobs.powertrain.dev"
    reads, writes = (ada, "list", job), (ada, "create", job)
    # Aggregation into the cluster's own roles is a controller's work: it may come a moment later.
    eventually(lambda: may(installed, *(reads if role == "view" else writes)))
    assert may(installed, *reads)
    assert may(installed, *writes) == (role != "view")
    assert may(installed, ada, "update", "inferenceservices.powertrain.dev/scale") == (role != "view")
    assert not may(installed, ada, "list", job, "team-b")
    assert not may(installed, ada, "patch", f"{job}/status")
    assert not may(installed, ada, "create", "queues.powertrain.dev")


def test_the_plan_role_is_enough_to_plan_for_the_live_cluster(installed: Cluster) -> None:
    installed.kubectl("create", "serviceaccount", "planner", "--namespace", "team-b")
    planner = installed.identity("team-b", "planner")

    def plan() -> Result:
        return CliRunner().invoke(main, ["plan", "--cluster", "--kubeconfig", str(planner), "-o", "json"])

    refused = plan()
    assert (refused.exit_code, "cannot list" in refused.output) == (1, True)
    role = ("--clusterrole=powertrain-plan", "--serviceaccount=team-b:planner")
    installed.kubectl("create", "clusterrolebinding", "planner", *role)
    eventually(lambda: plan().exit_code == 0)


def test_an_upgrade_scales_the_scheduler_and_leaves_the_queues_quota_to_its_owner(installed: Cluster) -> None:
    quota = {"spec": {"quotas": [{"accelerator": "h100-sxm", "nominal": 16}]}}
    installed.kubectl("patch", "queue.powertrain.dev", "default", "--type=merge", "-p", json.dumps(quota))
    helm(installed, "upgrade", "--set", "scheduler.replicas=2", "--wait", SOON)
    assert names(installed, "poddisruptionbudgets", "--namespace", SYSTEM) == {"powertrain-scheduler"}
    queue = installed.api.get("/apis/powertrain.dev/v1alpha1/queues/default")
    assert queue["spec"]["quotas"] == quota["spec"]["quotas"]


def test_kinds_are_brought_up_to_date_as_the_readme_says(installed: Cluster) -> None:
    def described(crd: dict[str, Any]) -> dict[str, Any]:
        schema: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        return schema

    # Helm owns every field of what it installed, and installs over it as the same owner only: a plain apply
    # would conflict now, and another owner's would make the next installation conflict.
    newer = yaml.safe_load((CHART_FOLDER / "crds" / "queues.powertrain.dev.yaml").read_text())
    described(newer)["description"] = "Queue is told anew."
    apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=helm", "-f", "-")
    assert " ".join(apply) in (CHART_FOLDER / "README.md").read_text()
    installed.kubectl(*apply, stdin=json.dumps(newer))
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/queues.powertrain.dev"
    assert described(installed.api.get(path))["description"] == "Queue is told anew."

    installed.helm("uninstall", "powertrain", "--namespace", SYSTEM, "--wait")
    helm(installed, "install")


def test_a_second_release_is_refused(installed: Cluster) -> None:
    with pytest.raises(CommandFailed, match="ClusterRole.*powertrain.*exists|conflict"):
        installed.helm("install", "second", CHART, "--namespace", "team-b")
    assert names(installed, "deployments", "--namespace", "team-b") == set()


def test_uninstalling_leaves_kinds_objects_and_the_next_installation_finds_them(installed: Cluster) -> None:
    group = {
        "apiVersion": "powertrain.dev/v1alpha1",
        "kind": "PodGroup",
        "metadata": {"name": "kept", "namespace": "team-a"},
        "spec": {"minMember": 1},
    }
    installed.kubectl("apply", "-f", "-", stdin=json.dumps(group))
    installed.helm("uninstall", "powertrain", "--namespace", SYSTEM, "--wait")

    assert ours(installed, "clusterroles") == set()
    assert ours(installed, "clusterrolebindings") == set()
    assert names(installed, "deployments,services,roles,serviceaccounts", "--namespace", SYSTEM) == {
        "default"
    }
    assert len(ours(installed, "crds", ".powertrain.dev")) == 5
    assert "kept" in names(installed, "podgroups.powertrain.dev", "--namespace", "team-a")
    assert names(installed, "queues.powertrain.dev") == {"default"}

    helm(installed, "install", "--wait", SOON)
    assert names(installed, "deployments", "--namespace", SYSTEM) == {
        "powertrain-operator",
        "powertrain-scheduler",
    }


def ours(cluster: Cluster, kind: str, part: str = "powertrain-") -> set[str]:
    return {name for name in names(cluster, kind) if part in name}


def test_the_metrics_services_have_each_pod_as_a_target(installed: Cluster) -> None:
    slices: dict[str, Any] = installed.api.get(
        f"/apis/discovery.k8s.io/v1/namespaces/{SYSTEM}/endpointslices"
    )
    targets = {
        item["metadata"]["labels"]["kubernetes.io/service-name"]: {
            end["targetRef"]["kind"] for end in item["endpoints"]
        }
        for item in slices["items"]
    }
    assert targets == {"powertrain-operator-metrics": {"Pod"}, "powertrain-scheduler-metrics": {"Pod"}}
