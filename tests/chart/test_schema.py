"""Bad values are refused by name, before anything reaches a cluster."""

from typing import Any

import pytest

from .conftest import CHART, Helm, HelmFailed

BAD = [
    ("a key nobody knows", {"replicas": 2}, "'replicas'"),
    ("a misspelt key inside", {"scheduler": {"replica": 2}}, "/scheduler': additional properties 'replica'"),
    ("a second operator", {"operator": {"replicas": 2}}, "/operator/replicas"),
    ("fewer than no schedulers", {"scheduler": {"replicas": -1}}, "/scheduler/replicas"),
    ("half a scheduler", {"scheduler": {"replicas": 1.5}}, "/scheduler/replicas"),
    ("a number as text", {"scheduler": {"replicas": "two"}}, "/scheduler/replicas"),
    ("no workers", {"operator": {"workers": 0}}, "/operator/workers"),
    ("a tag in the repository's name", {"image": {"repository": "powertrain@x"}}, "/image/repository"),
    ("an empty repository", {"image": {"repository": ""}}, "/image/repository"),
    ("a tag with a blank", {"image": {"tag": "a b"}}, "/image/tag"),
    ("a short digest", {"image": {"digest": "sha256:abc"}}, "/image/digest"),
    ("a pull policy that is none", {"image": {"pullPolicy": "Sometimes"}}, "/image/pullPolicy"),
    ("a pull secret without a name", {"imagePullSecrets": [{}]}, "/imagePullSecrets/0"),
    ("a log level that is none", {"logs": {"level": "loud"}}, "/logs/level"),
    ("a log format that is none", {"logs": {"format": "xml"}}, "/logs/format"),
    ("a port only root may open", {"metrics": {"port": 80}}, "/metrics/port"),
    ("a port beyond the last", {"metrics": {"port": 70000}}, "/metrics/port"),
    ("yes as text", {"metrics": {"annotations": "yes"}}, "/metrics/annotations"),
    (
        "an interval without a unit",
        {"metrics": {"serviceMonitor": {"interval": "30"}}},
        "/metrics/serviceMonitor/interval",
    ),
    (
        "memory in words",
        {"scheduler": {"resources": {"limits": {"memory": "lots"}}}},
        "/scheduler/resources/limits/memory",
    ),
    ("a resource part that is none", {"operator": {"resources": {"limit": {}}}}, "/operator/resources"),
    ("a node selector with a number", {"operator": {"nodeSelector": {"zone": 1}}}, "/operator/nodeSelector"),
    (
        "a toleration effect that is none",
        {"scheduler": {"tolerations": [{"effect": "Never"}]}},
        "/scheduler/tolerations/0/effect",
    ),
    (
        "a label that is the chart's own",
        {"operator": {"podLabels": {"app.kubernetes.io/name": "x"}}},
        "/operator/podLabels/app.kubernetes.io~1name",
    ),
    (
        "an annotation that is no text",
        {"operator": {"podAnnotations": {"a": 1}}},
        "/operator/podAnnotations/a",
    ),
    ("a queue with a negative weight", {"defaultQueue": {"weight": -1}}, "/defaultQueue/weight"),
    (
        "a quota without a figure",
        {"defaultQueue": {"quotas": [{"accelerator": "h100-sxm"}]}},
        "/defaultQueue/quotas/0",
    ),
    ("no metrics at all", {"metrics": None}, "metrics"),
]


@pytest.mark.parametrize(("values", "named"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_the_schema_refuses(helm: Helm, values: dict[str, Any], named: str) -> None:
    with pytest.raises(HelmFailed) as refused:
        helm("template", "powertrain", str(CHART), values=values)
    text = str(refused.value)
    assert "values don't meet the specifications of the schema" in text
    assert named in text


def test_a_parent_chart_may_hand_down_its_global_values(helm: Helm) -> None:
    helm("template", "powertrain", str(CHART), values={"global": {"imageRegistry": "example.org"}})
