"""Bad objects as data: what is wrong with each, and how it is refused.

The same table is held against `api.parse` (test_bad_objects.py beside this) and against a real API
server (tests/cluster/test_bad_objects.py), so that the two cannot come to differ.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

Manifest = dict[str, Any]

REMOVED: Final = object()
"""As a patch's value: the field is taken out."""

_TEMPLATE: Final[Manifest] = {"spec": {"containers": [{"name": "main", "image": "pytorch/pytorch:2.9.1"}]}}

_SPECS: Final[Mapping[str, Manifest]] = {
    "AcceleratorPool": {
        "nodeSelector": {"powertrain.dev/accelerator": "h100-sxm"},
        "accelerator": "h100-sxm",
        "resourceName": "nvidia.com/gpu",
        "topologyLevels": ["topology.powertrain.dev/block", "topology.powertrain.dev/rack"],
        "power": {"deviceIdleWatts": 70, "deviceActiveWatts": 700, "hostWatts": 2000},
    },
    "Queue": {"parent": "company", "quotas": [{"accelerator": "h100-sxm", "nominal": 8}]},
    "TrainingJob": {
        "framework": "pytorch",
        "devices": [{"accelerator": "h100-sxm", "perWorker": 8}],
        "topology": {"required": "topology.powertrain.dev/rack"},
        "runtime": {"expected": "1h", "maximum": "2h"},
        "workers": {"replicas": 4, "template": _TEMPLATE},
    },
    "InferenceService": {
        "model": {"name": "Qwen/Qwen3-8B"},
        "engine": "vllm",
        "parallelism": {"tensor": 8, "pipeline": 2, "nodes": 2},
        "devices": [{"accelerator": "h100-sxm", "perWorker": 8}],
    },
    "PodGroup": {"minMember": 2},
}
"""The spec of a good object of each kind."""

CLUSTER_WIDE: Final = frozenset({"AcceleratorPool", "Queue"})


def good(kind: str, patch: Mapping[str, Any] | None = None) -> Manifest:
    """A good object called `good`, or one with `patch`: values by path, such as `spec.quotas.0.nominal`."""
    manifest = {
        "apiVersion": "powertrain.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "good"},
        "spec": deepcopy(_SPECS[kind]),
    }
    for path, value in (patch or {}).items():
        *above, last = path.split(".")
        _set(_below(manifest, above), last, deepcopy(value) if value is not REMOVED else REMOVED)
    return manifest


def _below(node: Any, steps: list[str]) -> Any:
    for step in steps:
        node = node[int(step)] if isinstance(node, list) else node.setdefault(step, {})
    return node


def _set(node: Any, key: str, value: Any) -> None:
    if value is REMOVED:
        del node[key]
    elif isinstance(node, list):
        node[int(key) : int(key) + 1] = [value]
    else:
        node[key] = value


@dataclass(frozen=True, slots=True)
class Bad:
    """A good object made bad by `patch`."""

    id: str
    kind: str
    patch: Mapping[str, Any]
    field: str
    """Where both point."""
    says: str
    """Part of our sentence."""
    server_says: str = ""
    """Part of the API server's, where it is not ours: schema errors have Kubernetes' words."""

    def manifest(self) -> Manifest:
        return good(self.kind, self.patch)


_CONTAINER: Final = "spec.workers.template.spec.containers.0"
_LONG: Final = "a" * 254
_AT_LEAST: Final = "greater than or equal to"
_AT_MOST: Final = "less than or equal to"

WRONG_TYPES: Final = (
    Bad(
        "a queue's weight is text",
        "Queue",
        {"spec.weight": "2"},
        "spec.weight",
        "must be a whole number",
        "must be of type integer",
    ),
    Bad(
        "a quota is a fraction of a device",
        "Queue",
        {"spec.quotas.0.nominal": 1.5},
        "spec.quotas[0].nominal",
        "must be a whole number",
        "must be of type int",
    ),
    Bad(
        "quotas are text",
        "Queue",
        {"spec.quotas": "h100-sxm=8"},
        "spec.quotas",
        "must be a list",
        "must be of type array",
    ),
    Bad(
        "a queue's parent is a number",
        "Queue",
        {"spec.parent": 7},
        "spec.parent",
        "must be text",
        "must be of type string",
    ),
    Bad(
        "suspend is text",
        "TrainingJob",
        {"spec.suspend": "yes"},
        "spec.suspend",
        "must be true or false",
        "must be of type boolean",
    ),
    Bad(
        "replicas are a boolean",
        "TrainingJob",
        {"spec.workers.replicas": True},
        "spec.workers.replicas",
        "must be a whole number",
        "must be of type int32",
    ),
    Bad(
        "the spec is a list",
        "TrainingJob",
        {"spec": []},
        "spec",
        "must be a mapping",
        "must be of type object",
    ),
    Bad(
        "a device is a text instead of an entry",
        "TrainingJob",
        {"spec.devices": ["h100-sxm"]},
        "spec.devices[0]",
        "must be a mapping",
        "must be of type object",
    ),
    Bad(
        "watts are text",
        "AcceleratorPool",
        {"spec.power.hostWatts": "2kW"},
        "spec.power.hostWatts",
        "must be a number",
        "must be of type number",
    ),
    Bad(
        "a template's label is a number",
        "TrainingJob",
        {"spec.workers.template.metadata.labels": {"team": 7}},
        "spec.workers.template.metadata.labels.team",
        "must be text",
        "must be of type string",
    ),
    Bad(
        "a list has a null in it",
        "AcceleratorPool",
        {"spec.topologyLevels.0": None},
        "spec.topologyLevels[0]",
        "must be text",
        "must be of type string",
    ),
)

OUT_OF_BOUNDS: Final = (
    Bad(
        "a quota is negative",
        "Queue",
        {"spec.quotas.0.nominal": -1},
        "spec.quotas[0].nominal",
        "must be at least 0",
        _AT_LEAST,
    ),
    Bad(
        "a borrowing limit is negative",
        "Queue",
        {"spec.quotas.0.borrowingLimit": -8},
        "spec.quotas[0].borrowingLimit",
        "must be at least 0",
        _AT_LEAST,
    ),
    Bad(
        "a quota does not fit into 32 bits",
        "Queue",
        {"spec.quotas.0.nominal": 2**31},
        "spec.quotas[0].nominal",
        "must be at most 2147483647",
        _AT_MOST,
    ),
    Bad(
        "a queue's weight is above its bound",
        "Queue",
        {"spec.weight": 1001},
        "spec.weight",
        "must be at most 1000",
        _AT_MOST,
    ),
    Bad(
        "a gang has no workers",
        "TrainingJob",
        {"spec.workers.replicas": 0},
        "spec.workers.replicas",
        "must be at least 1",
        _AT_LEAST,
    ),
    Bad(
        "a gang has more workers than ranks have digits",
        "TrainingJob",
        {"spec.workers.replicas": 10001},
        "spec.workers.replicas",
        "must be at most 10000",
        _AT_MOST,
    ),
    Bad(
        "workers get no devices of the model they name",
        "TrainingJob",
        {"spec.devices.0.perWorker": 0},
        "spec.devices[0].perWorker",
        "must be at least 1",
        _AT_LEAST,
    ),
    Bad(
        "workers get more devices than any node has",
        "TrainingJob",
        {"spec.devices.0.perWorker": 65},
        "spec.devices[0].perWorker",
        "must be at most 64",
        _AT_MOST,
    ),
    Bad(
        "a priority is above its bound",
        "TrainingJob",
        {"spec.priority": 1_000_001},
        "spec.priority",
        "must be at most 1000000",
        _AT_MOST,
    ),
    Bad(
        "maxRestarts is negative",
        "TrainingJob",
        {"spec.failurePolicy.maxRestarts": -1},
        "spec.failurePolicy.maxRestarts",
        "must be at least 0",
        _AT_LEAST,
    ),
    Bad(
        "a finished job is kept for less than no time",
        "TrainingJob",
        {"spec.ttlSecondsAfterFinished": -1},
        "spec.ttlSecondsAfterFinished",
        "must be at least 0",
        _AT_LEAST,
    ),
    Bad(
        "a service has negative replicas",
        "InferenceService",
        {"spec.replicas": -1},
        "spec.replicas",
        "must be at least 0",
        _AT_LEAST,
    ),
    Bad(
        "a service has more replicas than its bound",
        "InferenceService",
        {"spec.replicas": 1001},
        "spec.replicas",
        "must be at most 1000",
        _AT_MOST,
    ),
    Bad(
        "a port is no port",
        "InferenceService",
        {"spec.port": 65536},
        "spec.port",
        "must be at most 65535",
        _AT_MOST,
    ),
    Bad(
        "a rollout may take no replica away",
        "InferenceService",
        {"spec.rollout.maxUnavailable": 0},
        "spec.rollout.maxUnavailable",
        "must be at least 1",
        _AT_LEAST,
    ),
    Bad(
        "a model is split over no device",
        "InferenceService",
        {"spec.parallelism.tensor": 0},
        "spec.parallelism.tensor",
        "must be at least 1",
        _AT_LEAST,
    ),
    Bad(
        "a pod group needs no member",
        "PodGroup",
        {"spec.minMember": 0},
        "spec.minMember",
        "must be at least 1",
        _AT_LEAST,
    ),
    Bad(
        "a device draws negative watts",
        "AcceleratorPool",
        {"spec.power.deviceIdleWatts": -1},
        "spec.power.deviceIdleWatts",
        "must be at least 0",
        _AT_LEAST,
    ),
    Bad(
        "a device does no work at all",
        "AcceleratorPool",
        {"spec.speed": 0},
        "spec.speed",
        "must be more than 0",
        "should be greater than 0",
    ),
)

CONTRADICTIONS: Final = (
    Bad(
        "a queue is its own parent",
        "Queue",
        {"metadata.name": "loop", "spec.parent": "loop"},
        "spec.parent",
        "parent is the queue itself; name another queue, or leave parent out",
    ),
    Bad(
        "a queue lends more memory than it has",
        "Queue",
        {"spec.resources": [{"resource": "memory", "nominal": "64Gi", "lendingLimit": "0.1Ti"}]},
        "spec.resources[0].lendingLimit",
        "lendingLimit is more than nominal; lower lendingLimit or raise nominal",
    ),
    Bad(
        "slices are not nested",
        "PodGroup",
        {
            "spec.topology": {
                "slices": [
                    {"size": 16, "within": "topology.powertrain.dev/block"},
                    {"size": 6, "within": "topology.powertrain.dev/rack"},
                ]
            }
        },
        "spec.topology.slices",
        "slices are not nested; list the widest level first",
    ),
    Bad(
        "a part is its own parent",
        "PodGroup",
        {"spec.subgroups": [{"name": "leader", "parent": "leader"}]},
        "spec.subgroups[0].parent",
        "parent is the part itself; name another part, or leave parent out",
    ),
    Bad(
        "a part's parent is not there",
        "PodGroup",
        {"spec.subgroups": [{"name": "leader", "parent": "replica-0"}]},
        "spec.subgroups",
        "names a parent that is not among them; add it, or correct the name",
    ),
    Bad(
        "a job saves its state all the time",
        "TrainingJob",
        {"spec.checkpoint": {"interval": "0s"}},
        "spec.checkpoint.interval",
        "interval must be more than 0s; give a longer one, or leave checkpoint out",
    ),
    Bad(
        "a queue lends more than it has",
        "Queue",
        {"spec.quotas.0.lendingLimit": 9},
        "spec.quotas[0].lendingLimit",
        "lendingLimit is more than nominal; lower lendingLimit or raise nominal",
    ),
    Bad(
        "a job expects to run longer than it may",
        "TrainingJob",
        {"spec.runtime.expected": "121m"},
        "spec.runtime.expected",
        "expected is longer than maximum; lower expected or raise maximum",
    ),
    Bad(
        "a pod group expects to run longer than it may",
        "PodGroup",
        {"spec.runtime": {"expected": "2m", "maximum": "1m"}},
        "spec.runtime.expected",
        "expected is longer than maximum; lower expected or raise maximum",
    ),
    Bad(
        "a job may run for no time",
        "TrainingJob",
        {"spec.runtime": {"maximum": "0s"}},
        "spec.runtime.maximum",
        "maximum must be more than 0s",
    ),
    Bad(
        "a job expects to run for no time",
        "TrainingJob",
        {"spec.runtime": {"expected": "0h0m"}},
        "spec.runtime.expected",
        "expected must be more than 0s",
    ),
    Bad(
        "the first wait before a restart is longer than the longest",
        "TrainingJob",
        {"spec.failurePolicy.backoff": {"initial": "6m"}},
        "spec.failurePolicy.backoff.initial",
        "initial is longer than maximum; lower initial or raise maximum",
    ),
    Bad(
        "a topology asks for nothing",
        "TrainingJob",
        {"spec.topology": {}},
        "spec.topology",
        "topology is empty; set required, preferred, slices or arrange, or leave topology out",
    ),
    Bad(
        "a custom engine has no template",
        "InferenceService",
        {"spec.engine": "custom"},
        "spec.template",
        "template is required for engine custom; add template, or use engine vllm",
    ),
    Bad(
        "a custom engine's container has no image",
        "InferenceService",
        {"spec.engine": "custom", "spec.template.spec.containers": [{"name": "server"}]},
        "spec.template",
        "give each container an image",
    ),
    Bad(
        "a custom engine has vllm's arguments",
        "InferenceService",
        {"spec.engine": "custom", "spec.template": _TEMPLATE, "spec.args": ["--max-model-len=8192"]},
        "spec.args",
        "args belong to engine vllm",
    ),
    Bad(
        "a model is split over other devices than its pods have",
        "InferenceService",
        {"spec.parallelism.pipeline": 1},
        "spec.parallelism",
        "parallelism.tensor x parallelism.pipeline must equal devices[0].perWorker x parallelism.nodes",
    ),
    Bad(
        "an idle device draws more than one at work",
        "AcceleratorPool",
        {"spec.power.deviceIdleWatts": 701},
        "spec.power.deviceIdleWatts",
        "deviceIdleWatts is more than deviceActiveWatts",
    ),
    Bad(
        "a worker's container has no image",
        "TrainingJob",
        {f"{_CONTAINER}.image": REMOVED},
        "spec.workers.template.spec.containers",
        "give each container an image",
    ),
    Bad(
        "workers restart one by one",
        "TrainingJob",
        {"spec.workers.template.spec.restartPolicy": "OnFailure"},
        "spec.workers.template.spec.restartPolicy",
        "restartPolicy must be Never",
    ),
    Bad(
        "workers are put on one node past the scheduler",
        "TrainingJob",
        {"spec.workers.template.spec.nodeName": "h100-0"},
        "spec.workers.template.spec.nodeName",
        "choose nodes by nodeSelector or affinity",
    ),
    Bad(
        "workers are given to another scheduler",
        "TrainingJob",
        {"spec.workers.template.spec.schedulerName": "default-scheduler"},
        "spec.workers.template.spec.schedulerName",
        "schedulerName must be powertrain; leave it out",
    ),
    Bad(
        "a template sets a label of the operator's",
        "TrainingJob",
        {"spec.workers.template.metadata.labels": {"powertrain.dev/rank": "0"}},
        "spec.workers.template.metadata.labels",
        "keys under powertrain.dev/ are set by the operator; leave them out",
    ),
)

UNKNOWN_AND_MISSING: Final = (
    Bad(
        "a framework is unknown",
        "TrainingJob",
        {"spec.framework": "tensorflow"},
        "spec.framework",
        "must be one of 'pytorch', 'jax', 'mindspore' or 'custom'",
        'Unsupported value: "tensorflow"',
    ),
    Bad(
        "a success policy is unknown",
        "TrainingJob",
        {"spec.successPolicy": "AnyWorker"},
        "spec.successPolicy",
        "must be one of",
        'Unsupported value: "AnyWorker"',
    ),
    Bad(
        "an engine is unknown",
        "InferenceService",
        {"spec.engine": "triton"},
        "spec.engine",
        "must be one of 'vllm' or 'custom'",
        'Unsupported value: "triton"',
    ),
    Bad(
        "a field is misspelt",
        "TrainingJob",
        {"spec.worker": {"replicas": 4}},
        "spec.worker",
        "is not a field; did you mean workers?",
        'unknown field "spec.worker"',
    ),
    Bad(
        "a field stands one level too high",
        "TrainingJob",
        {"spec.maxRestarts": 5},
        "spec.maxRestarts",
        "is not a field",
        'unknown field "spec.maxRestarts"',
    ),
    Bad(
        "a field stands beside the spec",
        "Queue",
        {"quotas": []},
        "quotas",
        "is not a field",
        'unknown field "quotas"',
    ),
    Bad(
        "a spec has a field by its Python name",
        "Queue",
        {"spec.quotas.0.lending_limit": 1},
        "spec.quotas[0].lending_limit",
        "is not a field; did you mean lendingLimit?",
        'unknown field "spec.quotas[0].lending_limit"',
    ),
    Bad(
        "an unknown field is null",
        "PodGroup",
        {"spec.maxMember": None},
        "spec.maxMember",
        "is not a field; did you mean minMember?",
        'unknown field "spec.maxMember"',
    ),
    Bad("a job has no spec", "TrainingJob", {"spec": REMOVED}, "spec", "is required", "Required value"),
    Bad(
        "a job does not say its framework",
        "TrainingJob",
        {"spec.framework": REMOVED},
        "spec.framework",
        "is required",
        "Required value",
    ),
    Bad(
        "a job's replicas are null",
        "TrainingJob",
        {"spec.workers.replicas": None},
        "spec.workers.replicas",
        "is required",
        "Required value",
    ),
    Bad(
        "workers have no template",
        "TrainingJob",
        {"spec.workers.template": REMOVED},
        "spec.workers.template",
        "is required",
        "Required value",
    ),
    Bad(
        "a quota does not say for which accelerator",
        "Queue",
        {"spec.quotas.0.accelerator": REMOVED},
        "spec.quotas[0].accelerator",
        "is required",
        "Required value",
    ),
    Bad(
        "a pool's power lacks a figure",
        "AcceleratorPool",
        {"spec.power.hostWatts": REMOVED},
        "spec.power.hostWatts",
        "is required",
        "Required value",
    ),
    Bad(
        "a service serves no model",
        "InferenceService",
        {"spec.model": REMOVED},
        "spec.model",
        "is required",
        "Required value",
    ),
    Bad(
        "a pool selects no nodes",
        "AcceleratorPool",
        {"spec.nodeSelector": {}},
        "spec.nodeSelector",
        "must have at least 1 entry",
        "should have at least 1 properties",
    ),
    Bad(
        "a template has no containers",
        "TrainingJob",
        {"spec.workers.template.spec.containers": []},
        "spec.workers.template.spec.containers",
        "must have at least 1 entry",
        "should have at least 1 items",
    ),
)

TOO_MUCH: Final = (
    Bad(
        "a queue has ten thousand quotas",
        "Queue",
        {"spec.quotas": [{"accelerator": f"a{number}", "nominal": 1} for number in range(10_000)]},
        "spec.quotas",
        "must have at most 64 entries",
        "must have at most 64 items",
    ),
    Bad(
        "a job has nine shapes",
        "TrainingJob",
        {"spec.devices": [{"accelerator": f"model-{number}", "perWorker": 8} for number in range(9)]},
        "spec.devices",
        "must have at most 8 entries",
        "must have at most 8 items",
    ),
    Bad(
        "a job has two shapes of one accelerator without names",
        "TrainingJob",
        {"spec.devices": [{"accelerator": "h100-sxm", "perWorker": count} for count in (4, 8)]},
        "spec.devices",
        "two of devices have the same name, or the same accelerator and no name; give each a name of its own",
    ),
    Bad(
        "a shape takes the name that another has by its accelerator",
        "TrainingJob",
        {
            "spec.devices": [
                {"accelerator": "h100-sxm", "perWorker": 8},
                {"name": "h100-sxm", "accelerator": "ascend-910b", "perWorker": 8},
            ]
        },
        "spec.devices",
        "two of devices have the same name, or the same accelerator and no name; give each a name of its own",
    ),
    Bad(
        "a shape has no speed at all",
        "TrainingJob",
        {"spec.devices.0.speed": 0},
        "spec.devices[0].speed",
        "must be more than 0",
        "should be greater than 0",
    ),
    Bad(
        "an objective that nobody knows",
        "TrainingJob",
        {"spec.objective": "fame"},
        "spec.objective",
        "must be one of 'time', 'balanced', 'energy' or 'cost'",
        'Unsupported value: "fame"',
    ),
    Bad(
        "a group has a shape without pods",
        "PodGroup",
        {"spec.shapes": [{"name": "wide", "minMember": 8}]},
        "spec.shapes[0].podSpec",
        "is required",
        "Required value",
    ),
    Bad(
        "a pool has nine topology levels",
        "AcceleratorPool",
        {"spec.topologyLevels": [f"level-{number}" for number in range(9)]},
        "spec.topologyLevels",
        "must have at most 8 entries",
        "must have at most 8 items",
    ),
    Bad(
        "a pool selects nodes by seventeen labels",
        "AcceleratorPool",
        {"spec.nodeSelector": {f"key-{number}": "" for number in range(17)}},
        "spec.nodeSelector",
        "must have at most 16 entries",
        "must have at most 16 items",
    ),
    Bad(
        "a pod group excludes a thousand nodes",
        "PodGroup",
        {"spec.excludedNodes": [f"node-{number}" for number in range(1000)]},
        "spec.excludedNodes",
        "must have at most 256 entries",
        "must have at most 256 items",
    ),
    Bad(
        "vllm gets sixty-five arguments",
        "InferenceService",
        {"spec.args": ["--verbose"] * 65},
        "spec.args",
        "must have at most 64 entries",
        "must have at most 64 items",
    ),
    Bad(
        "a worker has thirty-three containers",
        "TrainingJob",
        {
            "spec.workers.template.spec.containers": [
                {"name": f"c{number}", "image": "busybox"} for number in range(33)
            ]
        },
        "spec.workers.template.spec.containers",
        "must have at most 32 entries",
        "must have at most 32 items",
    ),
    Bad(
        "an argument is a megabyte long",
        "InferenceService",
        {"spec.args": ["x" * 1_000_000]},
        "spec.args[0]",
        "must have at most 4096 characters",
        "may not be more than 4096",
    ),
    Bad(
        "a queue's name is longer than any object's",
        "TrainingJob",
        {"spec.queue": _LONG},
        "spec.queue",
        "must have at most 253 characters",
        "may not be more than 253",
    ),
)

NAMES: Final = (
    Bad(
        "a job's name is too long for its pods",
        "TrainingJob",
        {"metadata.name": "a" * 51},
        "metadata.name",
        "must be at most 50 lower-case letters",
    ),
    Bad(
        "a job's name has a dot, which a pod's host name must not",
        "TrainingJob",
        {"metadata.name": "llama.v2"},
        "metadata.name",
        "must be at most 50 lower-case letters",
    ),
    Bad(
        "a job's name begins with a digit, which a Service's must not",
        "TrainingJob",
        {"metadata.name": "4-nodes"},
        "metadata.name",
        "must be at most 50 lower-case letters",
    ),
    Bad(
        "a service's name is too long for its pods",
        "InferenceService",
        {"metadata.name": "a" * 51},
        "metadata.name",
        "must be at most 50 lower-case letters",
    ),
    Bad(
        "a pod group's name is too long for the label that names it",
        "PodGroup",
        {"metadata.name": "a" * 64},
        "metadata.name",
        "metadata.name is longer than 63 characters",
    ),
    Bad(
        "a name is in capitals",
        "Queue",
        {"metadata.name": "Research"},
        "metadata.name",
        "must be an object's name",
        "lowercase RFC 1123 subdomain",
    ),
    Bad(
        "a queue is named with a blank",
        "TrainingJob",
        {"spec.queue": "team a"},
        "spec.queue",
        "must be an object's name",
        "should match",
    ),
    Bad(
        "a queue's name is empty",
        "TrainingJob",
        {"spec.queue": ""},
        "spec.queue",
        "must be an object's name",
        "should match",
    ),
    Bad(
        "an accelerator is in capitals",
        "AcceleratorPool",
        {"spec.accelerator": "H100"},
        "spec.accelerator",
        "must be an accelerator's name",
        "should match",
    ),
    Bad(
        "a device's resource has no vendor",
        "AcceleratorPool",
        {"spec.resourceName": "gpu"},
        "spec.resourceName",
        "must be a resource name with its vendor's domain",
        "should match",
    ),
    Bad(
        "a topology level is no label key",
        "AcceleratorPool",
        {"spec.topologyLevels.1": "rack number"},
        "spec.topologyLevels[1]",
        "must be a label key",
        "should match",
    ),
    Bad(
        "a required topology level is no label key",
        "TrainingJob",
        {"spec.topology.required": "a/b/c"},
        "spec.topology.required",
        "must be a label key",
        "should match",
    ),
    Bad(
        "a pool selects nodes by what is no label key",
        "AcceleratorPool",
        {"spec.nodeSelector": {"accelerator model": "h100"}},
        "spec.nodeSelector",
        "keys must be label keys",
    ),
    Bad(
        "a pool selects nodes by a key with too long a prefix",
        "AcceleratorPool",
        {"spec.nodeSelector": {f"{'a' * 320}/b": "h100"}},
        "spec.nodeSelector",
        "keys must be label keys",
    ),
    Bad(
        "a pool selects nodes by what is no label value",
        "AcceleratorPool",
        {"spec.nodeSelector": {"accelerator": "h100 sxm"}},
        "spec.nodeSelector.accelerator",
        "must be a label value",
        "should match",
    ),
    Bad(
        "a container's name is no DNS label",
        "TrainingJob",
        {f"{_CONTAINER}.name": "main_container"},
        "spec.workers.template.spec.containers[0].name",
        "must be a DNS label",
        "should match",
    ),
    Bad(
        "an excluded node's name is none",
        "PodGroup",
        {"spec.excludedNodes": ["node/1"]},
        "spec.excludedNodes[0]",
        "must be an object's name",
        "should match",
    ),
)

TWICE: Final = (
    Bad(
        "a queue has two quotas for one accelerator",
        "Queue",
        {"spec.quotas": [{"accelerator": "l4", "nominal": count} for count in (4, 8)]},
        "spec.quotas",
        "has accelerator l4 twice; keep one of them",
        "Duplicate value",
    ),
    Bad(
        "a pool has one topology level twice",
        "AcceleratorPool",
        {"spec.topologyLevels": ["rack", "block", "rack"]},
        "spec.topologyLevels",
        "has one item twice; keep one of them",
    ),
    Bad(
        "two containers have one name",
        "TrainingJob",
        {"spec.workers.template.spec.containers": [{"name": "main", "image": "busybox"}] * 2},
        "spec.workers.template.spec.containers",
        "has name main twice; keep one of them",
        "Duplicate value",
    ),
    Bad(
        "a pod group excludes one node twice",
        "PodGroup",
        {"spec.excludedNodes": ["node-1", "node-1"]},
        "spec.excludedNodes",
        "has node-1 twice; keep one of them",
        "Duplicate value",
    ),
)


def _quantity(id: str, quantity: Any, server_says: str = "should match") -> Bad:
    return Bad(
        id,
        "TrainingJob",
        {f"{_CONTAINER}.resources": {"limits": {"memory": quantity}}},
        "spec.workers.template.spec.containers[0].resources.limits.memory",
        "must be a quantity such as 8, 500m or 16Gi",
        server_says,
    )


def _duration(id: str, duration: str) -> Bad:
    return Bad(
        id,
        "TrainingJob",
        {"spec.runtime": {"maximum": duration}},
        "spec.runtime.maximum",
        "must be a duration such as 30s, 5m or 1h30m",
        "should match",
    )


TEXTS: Final = (
    _quantity("memory has an unknown unit", "64GB"),
    _quantity("memory is negative text", "-1Gi"),
    _quantity("memory is a negative number", -1, _AT_LEAST),
    _quantity("memory is a fraction without quotes", 1.5, "must be of type integer"),
    _quantity("memory is a word", "plenty"),
    _quantity("memory is empty", ""),
    _quantity("memory has half an exponent", "1e1.5"),
    _quantity("memory has more digits than any amount", "1" * 65, "may not be more than 64"),
    _duration("a duration has no unit", "90"),
    _duration("a duration is in days", "2d"),
    _duration("a duration is negative", "-1h"),
    _duration("a duration is in words", "1 hour"),
    _duration("a duration is longer than 64 bits of nanoseconds", "2562048h"),
    _duration("a duration overflows 64 bits to a number that looks good", "999999999h"),
    _duration("a duration begins with its smallest unit", "30m1h"),
    Bad(
        "a duration is a number",
        "TrainingJob",
        {"spec.runtime": {"maximum": 3600}},
        "spec.runtime.maximum",
        "must be text",
        "must be of type duration",
    ),
)

REFUSED: Final = (
    *WRONG_TYPES,
    *OUT_OF_BOUNDS,
    *CONTRADICTIONS,
    *UNKNOWN_AND_MISSING,
    *TOO_MUCH,
    *NAMES,
    *TWICE,
    *TEXTS,
)
"""Refused when they are created."""


@dataclass(frozen=True, slots=True)
class BadUpdate:
    """A good TrainingJob that may not become what `patch` makes of it."""

    id: str
    patch: Mapping[str, Any]
    field: str
    says: str = "cannot be changed while the job is not suspended; set suspend: true first"

    def old(self) -> Manifest:
        return good("TrainingJob")

    def new(self) -> Manifest:
        return good("TrainingJob", self.patch)


REFUSED_UPDATES: Final = (
    BadUpdate("a running job moves to another queue", {"spec.queue": "other"}, "spec.queue"),
    BadUpdate("a running job changes its framework", {"spec.framework": "jax"}, "spec.framework"),
    BadUpdate("a running gang grows", {"spec.workers.replicas": 5}, "spec.workers.replicas"),
    BadUpdate("a running gang shrinks", {"spec.workers.replicas": 3}, "spec.workers.replicas"),
    BadUpdate("a running job gets other devices", {"spec.devices.0.accelerator": "l4"}, "spec.devices"),
    BadUpdate("a running job gets fewer devices", {"spec.devices.0.perWorker": 4}, "spec.devices"),
    BadUpdate("a running job gives its devices up", {"spec.devices": []}, "spec.devices"),
    BadUpdate("a running job changes its topology", {"spec.topology.required": "zone"}, "spec.topology"),
    BadUpdate("a running job drops its topology", {"spec.topology": REMOVED}, "spec.topology"),
    BadUpdate(
        "a running job gets another image",
        {f"{_CONTAINER}.image": "pytorch/pytorch:2.8.0"},
        "spec.workers.template",
    ),
    BadUpdate(
        "a running job changes a pod field that the schema does not know",
        {"spec.workers.template.spec.hostNetwork": True},
        "spec.workers.template",
    ),
    BadUpdate(
        "a running job gets another memory limit",
        {f"{_CONTAINER}.resources": {"limits": {"memory": "1Gi"}}},
        "spec.workers.template",
    ),
)

ALLOWED_UPDATES: Final[Mapping[str, Mapping[str, Any]]] = {
    "a job is suspended and changed at once": {"spec.suspend": True, "spec.workers.replicas": 8},
    "a running job's priority changes": {"spec.priority": 100},
    "a running job may restart more often": {"spec.failurePolicy": {"maxRestarts": 9}},
    "a running job's expected runtime changes": {"spec.runtime.expected": "90m"},
}
"""Changes of a good TrainingJob that are nobody's mistake."""


@dataclass(frozen=True, slots=True)
class TurnsInvalid:
    """Objects that the schema cannot see through: they are taken, and one of them is then told Invalid."""

    id: str
    manifests: tuple[Manifest, ...]
    kind: str
    name: str
    reason: str
    """`status.reason` beside `status.phase: Invalid`."""
    writer: str
    """The process that says so: `operator` or `scheduler`."""
    neighbour: Manifest = field(default_factory=lambda: good("Queue", {"spec": {}}))
    """A good object beside it, which must go on."""


def _named(kind: str, name: str, patch: Mapping[str, Any]) -> Manifest:
    return good(kind, {"metadata.name": name, **patch})


TURN_INVALID: Final = (
    TurnsInvalid(
        "a queue's parent does not exist",
        (_named("Queue", "orphan", {"spec.parent": "nobody"}),),
        "Queue",
        "orphan",
        "ParentNotFound",
        "scheduler",
    ),
    TurnsInvalid(
        "two queues are each other's parents",
        (_named("Queue", "hen", {"spec.parent": "egg"}), _named("Queue", "egg", {"spec.parent": "hen"})),
        "Queue",
        "hen",
        "QueueCycle",
        "scheduler",
    ),
    TurnsInvalid(
        "a pool's accelerator is in no catalogue and has no figures",
        (
            _named(
                "AcceleratorPool",
                "mystery",
                {
                    "spec.accelerator": "mystery-9000",
                    "spec.nodeSelector": {"mystery": "yes"},
                    "spec.power": REMOVED,
                },
            ),
        ),
        "AcceleratorPool",
        "mystery",
        "UnknownAccelerator",
        "scheduler",
    ),
    TurnsInvalid(
        "a job is in a queue that does not exist",
        (
            _named(
                "TrainingJob", "lost", {"spec.queue": "nowhere", "spec.devices": [], "spec.topology": REMOVED}
            ),
        ),
        "TrainingJob",
        "lost",
        "QueueNotFound",
        "operator",
    ),
    TurnsInvalid(
        "a job wants devices that no pool has",
        (_named("TrainingJob", "wishful", {"spec.devices.0.accelerator": "unobtainium"}),),
        "TrainingJob",
        "wishful",
        "AcceleratorNotFound",
        "operator",
    ),
    TurnsInvalid(
        "a job's pods mount a volume that they do not have",
        (
            _named(
                "TrainingJob",
                "volumeless",
                {
                    f"{_CONTAINER}.volumeMounts": [{"name": "data", "mountPath": "/data"}],
                    "spec.devices": [],
                    "spec.topology": REMOVED,
                },
            ),
        ),
        "TrainingJob",
        "volumeless",
        "PodRefused",
        "operator",
    ),
    TurnsInvalid(
        "a service wants devices that no pool has",
        (_named("InferenceService", "wishful", {"spec.devices.0.accelerator": "unobtainium"}),),
        "InferenceService",
        "wishful",
        "AcceleratorNotFound",
        "operator",
    ),
    TurnsInvalid(
        "a service is in a queue that does not exist",
        (_named("InferenceService", "lost", {"spec.queue": "nowhere", "spec.devices": []}),),
        "InferenceService",
        "lost",
        "QueueNotFound",
        "operator",
    ),
)
