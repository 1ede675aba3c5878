"""A real Kubernetes control plane on this machine, without containers.

etcd, kube-apiserver, kube-controller-manager, KWOK and, where asked for,
kube-scheduler, built once from their Go modules (`build`), with their own CA
(`pki`), real RBAC, and nodes that exist only as objects (`fleet`). For the
demo, the tests and the benchmarks; it knows nothing of Powertrain except the
labels of its example fleet.

    with Cluster.start(directory) as cluster:
        cluster.add_nodes([NodeShape("h100", count=4, resource="nvidia.com/gpu")])
        print(cluster.kubectl("get", "nodes"))
"""

from localcluster.cluster import Cluster
from localcluster.errors import LocalClusterError
from localcluster.fleet import DEMO_FLEET, NodeShape

__all__ = ["DEMO_FLEET", "Cluster", "LocalClusterError", "NodeShape"]
