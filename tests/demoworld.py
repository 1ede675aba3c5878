"""Objects as the demo's watch would have decoded them; each builder takes what its test is about."""

from demo.world import Pool, Workload, World
from powertrain_operator.api.cluster import Node, Pod, from_manifest

BLOCK, RACK = "topology.powertrain.dev/block", "topology.powertrain.dev/rack"


def job(name: str, phase: str = "Running", kind: str = "TrainingJob", **status: object) -> Workload:
    manifest = {"kind": kind, "metadata": {"name": name}, "status": {"phase": phase, **status}}
    return from_manifest(manifest, Workload)


def pod(owner: str, number: int, node: str = "", phase: str = "Running", gpus: int = 8) -> Pod:
    manifest = {
        "metadata": {"name": f"{owner}-worker-{number}", "labels": {"powertrain.dev/training-job": owner}},
        "spec": {"nodeName": node, "containers": [{"resources": {"limits": {"nvidia.com/gpu": str(gpus)}}}]},
        "status": {"phase": phase},
    }
    return from_manifest(manifest, Pod)


def node(name: str, rack: str, block: str = "b") -> Node:
    labels = {RACK: rack, BLOCK: block}
    room = {"nvidia.com/gpu": "8", "cpu": "128"}
    return from_manifest(
        {"metadata": {"name": name, "labels": labels}, "status": {"allocatable": room}}, Node
    )


def pool(**status: object) -> Pool:
    spec = {"accelerator": "h100-sxm", "resourceName": "nvidia.com/gpu", "topologyLevels": [BLOCK, RACK]}
    return from_manifest({"metadata": {"name": "h100"}, "spec": spec, "status": status}, Pool)


def world(workloads: list[Workload], pods: list[Pod], nodes: list[Node]) -> World:
    found = World()
    found.workloads = {"trainingjobs": {f"demo/{each.metadata.name}": each for each in workloads}}
    found.pods = {each.metadata.name: each for each in pods}
    found.nodes = {each.metadata.name: each for each in nodes}
    found.pools = {"h100": pool()}
    return found
