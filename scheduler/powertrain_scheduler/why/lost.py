"""Groups that lost members: pods on nodes whose kubelet no longer reports are named at once.

The node lifecycle controller deletes such pods minutes later; whoever runs a gang wants to know now.
"""

import numpy as np

from powertrain_scheduler.plan import Lost
from powertrain_scheduler.snapshot import Snapshot


def lost(snapshot: Snapshot) -> tuple[Lost, ...]:
    """By group name. Costs nothing while all nodes report."""
    facts = snapshot.nodes
    if facts.ready is None or bool(facts.ready.all()):
        return ()
    silent = np.flatnonzero(~facts.ready & snapshot.used.any(axis=1)).tolist()
    if not silent:
        return ()
    names = {facts.names[row] for row in silent}
    found = []
    for name in sorted(snapshot.groups):
        there = [pod for pod in snapshot.groups[name].placed if pod.node in names and not pod.leaving]
        if there:
            nodes = tuple(sorted({pod.node for pod in there}))
            found.append(Lost(name, tuple(pod.name for pod in there), nodes))
    return tuple(found)
