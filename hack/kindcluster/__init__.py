"""A kind cluster for the end-to-end tests, from whatever the machine has.

Where a container registry answers, kind's published node image is used. Where none does, the node
image is built here from Go modules and Debian packages, once, and kept by its content. A Docker
engine is used where one runs, else one is installed and started (as root, on Debian and Ubuntu) and
stopped again.
"""

from kindcluster.cluster import KindCluster
from kindcluster.docker import Docker, DockerFailed
from kindcluster.engine import engine

__all__ = ["Docker", "DockerFailed", "KindCluster", "engine"]
