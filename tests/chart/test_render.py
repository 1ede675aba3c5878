"""What the chart makes of its values."""

import json
import tomllib
from typing import Any

import pytest
import yaml
from powertrain_operator.cli import main

from .conftest import ALL_OFF, ALL_ON, CHART, NAMESPACE, ROOT, Helm, Render, named

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
CLUSTER_SCOPED = {"ClusterRole", "ClusterRoleBinding", "Queue"}
VARIANTS = pytest.mark.parametrize("values", [{}, ALL_ON, ALL_OFF], ids=["default", "all-on", "all-off"])


@VARIANTS
def test_helm_lint_finds_no_fault(helm: Helm, values: dict[str, Any]) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART), values=values)


@VARIANTS
def test_every_object_has_a_name_of_its_own_and_the_right_scope(
    render: Render, values: dict[str, Any]
) -> None:
    objects = render(values)
    keys = [(found["kind"], found["metadata"]["name"]) for found in objects]
    assert len(set(keys)) == len(keys)
    for found in objects:
        namespace = found["metadata"].get("namespace")
        assert namespace == (None if found["kind"] in CLUSTER_SCOPED else NAMESPACE), found["kind"]
        assert found["metadata"]["labels"]["app.kubernetes.io/part-of"] == "powertrain"


def test_by_default_these_objects_are_made(render: Render) -> None:
    made = sorted(f"{found['kind']} {found['metadata']['name']}" for found in render())
    assert made == [
        "ClusterRole powertrain-edit",
        "ClusterRole powertrain-fleet-admin",
        "ClusterRole powertrain-fleet-view",
        "ClusterRole powertrain-operator",
        "ClusterRole powertrain-plan",
        "ClusterRole powertrain-scheduler",
        "ClusterRole powertrain-view",
        "ClusterRoleBinding powertrain-operator",
        "ClusterRoleBinding powertrain-scheduler",
        "Deployment powertrain-operator",
        "Deployment powertrain-scheduler",
        "Queue default",
        "Role powertrain-scheduler",
        "RoleBinding powertrain-scheduler",
        "Service powertrain-operator-metrics",
        "Service powertrain-scheduler-metrics",
        "ServiceAccount powertrain-operator",
        "ServiceAccount powertrain-scheduler",
    ]


def test_switched_on_these_come_besides(render: Render) -> None:
    def kinds(values: dict[str, Any]) -> set[tuple[str, str]]:
        return {(found["kind"], found["metadata"]["name"]) for found in render(values)}

    assert kinds(ALL_ON) - kinds({}) == {
        ("NetworkPolicy", "powertrain"),
        ("PodDisruptionBudget", "powertrain-scheduler"),
        ("ServiceMonitor", "powertrain-operator"),
        ("ServiceMonitor", "powertrain-scheduler"),
    }


def test_the_charts_kinds_are_those_of_the_repository(helm: Helm) -> None:
    # crds/ of the chart is a link; the examples beside the kinds must not come along.
    shipped = [found for found in yaml.safe_load_all(helm("show", "crds", str(CHART))) if found]
    ours = [yaml.safe_load(path.read_text()) for path in (ROOT / "crds").glob("*.yaml")]
    assert ours
    assert {found["metadata"]["name"]: found for found in shipped} == {
        found["metadata"]["name"]: found for found in ours
    }


def test_the_default_queue_outlives_the_release(render: Render) -> None:
    queue = named(render(ALL_ON), "Queue", "default")
    assert queue["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert queue["spec"] == {
        "weight": 3,
        "quotas": [{"accelerator": "h100-sxm", "nominal": 64, "lendingLimit": 32}],
    }


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ({}, "localhost/powertrain:0.1.0"),
        ({"repository": "example.org:5000/ai/powertrain", "tag": "v9"}, "example.org:5000/ai/powertrain:v9"),
        ({"tag": "v9", "digest": "sha256:" + "a" * 64}, "localhost/powertrain@sha256:" + "a" * 64),
    ],
    ids=["the chart's own version", "a tag", "a digest decides alone"],
)
def test_the_image_is_named_by(render: Render, image: dict[str, str], reference: str) -> None:
    for component in ("operator", "scheduler"):
        assert container(render({"image": image}), component)["image"] == reference


def test_the_operator_never_runs_twice(render: Render) -> None:
    spec = named(render(ALL_ON), "Deployment", "powertrain-operator")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_several_schedulers_prefer_different_nodes_unless_told_otherwise(render: Render) -> None:
    def affinity(values: dict[str, Any]) -> Any:
        deployment = named(render(values), "Deployment", "powertrain-scheduler")
        return deployment["spec"]["template"]["spec"].get("affinity")

    assert affinity({"scheduler": {"replicas": 1}}) is None
    (term,) = affinity(ALL_ON)["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert term["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
    own: dict[str, Any] = {"podAntiAffinity": {}}
    assert affinity({"scheduler": {"replicas": 2, "affinity": own}}) == own


def test_both_processes_are_told_port_logs_and_lease(render: Render) -> None:
    objects = render(ALL_ON)
    common = ["--listen=:9090", "--log-format=text", "--log-level=debug"]
    assert container(objects, "operator")["args"] == ["operator", *common, "--workers=4"]
    lease = [f"--lease-namespace={NAMESPACE}", "--identity=$(POD_NAME)"]
    past_use = ["--past-use-weight=0", "--past-use-half-life=168"]
    assert container(objects, "scheduler")["args"] == ["scheduler", *common, *lease, *past_use]


@VARIANTS
@pytest.mark.parametrize("component", ["operator", "scheduler"])
def test_the_program_takes_what_the_chart_tells_it(
    render: Render, values: dict[str, Any], component: str
) -> None:
    command, *arguments = container(render(values), component)["args"]
    main.commands[command].make_context(command, arguments)


def test_probes_services_and_monitors_meet_the_port_of_the_container(render: Render) -> None:
    objects = render(ALL_ON)
    for component in ("operator", "scheduler"):
        box = container(objects, component)
        assert box["ports"] == [{"name": "metrics", "containerPort": 9090}]
        assert box["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
        assert box["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}
        service = named(objects, "Service", f"powertrain-{component}-metrics")
        assert service["spec"]["ports"] == [{"name": "metrics", "port": 9090, "targetPort": "metrics"}]
        monitor = named(objects, "ServiceMonitor", f"powertrain-{component}")
        wanted = monitor["spec"]["selector"]["matchLabels"]
        assert wanted.items() <= service["metadata"]["labels"].items()


def test_services_and_budgets_select_the_pods_of_their_component_only(render: Render) -> None:
    objects = render(ALL_ON)
    pods = {
        component: named(objects, "Deployment", f"powertrain-{component}")["spec"]["template"]["metadata"]
        for component in ("operator", "scheduler")
    }
    selectors = {
        "operator": [named(objects, "Service", "powertrain-operator-metrics")["spec"]["selector"]],
        "scheduler": [
            named(objects, "Service", "powertrain-scheduler-metrics")["spec"]["selector"],
            named(objects, "PodDisruptionBudget", "powertrain-scheduler")["spec"]["selector"]["matchLabels"],
        ],
    }
    for component, wanted in selectors.items():
        for selector in wanted:
            picked = [name for name, pod in pods.items() if selector.items() <= pod["labels"].items()]
            assert picked == [component]


def test_annotations_of_the_user_and_of_prometheus_stand_side_by_side(render: Render) -> None:
    template = named(render(ALL_ON), "Deployment", "powertrain-operator")["spec"]["template"]
    assert template["metadata"]["annotations"] == {
        "example.org/note": "kept",
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "9090",
        "prometheus.io/path": "/metrics",
    }
    assert template["metadata"]["labels"]["team"] == "platform"


def test_chart_and_distribution_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert chart["version"] == chart["appVersion"] == project["version"]


def test_every_value_is_in_the_schema_with_a_description_and_in_the_readme() -> None:
    table = (CHART / "README.md").read_text()
    for path in leaves(VALUES):
        assert schema_of(path).get("description"), f"{path} is not described in values.schema.json"
        (row,) = [line for line in table.splitlines() if line.startswith(f"| `{path}` |")]
        default = lookup(path)
        if not isinstance(default, dict) or not default:
            shown = json.dumps(default) if default in ("", [], {}, True, False) else str(default)
            assert f"| `{shown}` |" in row, f"{path}: the default in README.md is not {shown}"


def test_the_schema_knows_no_value_that_the_chart_does_not_list() -> None:
    known = {path for path in schema_leaves(SCHEMA) if path != "global"}
    assert known == set(leaves(VALUES))


def container(objects: list[dict[str, Any]], component: str) -> dict[str, Any]:
    pod = named(objects, "Deployment", f"powertrain-{component}")["spec"]["template"]["spec"]
    (only,) = pod["containers"]
    assert isinstance(only, dict)
    return only


OPEN = ("resources",)
"""Values that are one thing to a reader, though they have parts."""


def leaves(values: dict[str, Any], above: str = "") -> list[str]:
    found = []
    for key, value in values.items():
        path = f"{above}{key}"
        whole = not isinstance(value, dict) or not value or key in OPEN
        found += [path] if whole else leaves(value, f"{path}.")
    return found


def schema_leaves(schema: dict[str, Any], above: str = "") -> list[str]:
    found = []
    for key, part in schema["properties"].items():
        parts = part.get("properties")
        found += schema_leaves(part, f"{above}{key}.") if parts else [f"{above}{key}"]
    return found


def schema_of(path: str) -> dict[str, Any]:
    part: dict[str, Any] = SCHEMA
    for key in path.split("."):
        part = part["properties"][key]
    reference = part.get("$ref", "").removeprefix("#/definitions/")
    return {**SCHEMA["definitions"][reference], **part} if reference else part


def lookup(path: str) -> Any:
    value: Any = VALUES
    for key in path.split("."):
        value = value[key]
    return value
