"""The frozen world a cycle decides on.

Nodes are rows and resources are columns of int64 arrays; pods that are alike share one
`PodClass`, so that what holds for one is worked out once. Amounts are whole numbers: CPU in
thousandths of a core, memory and storage in bytes, everything else as counts.
Times are seconds since the epoch.
"""

from powertrain_scheduler.snapshot.groups import Alternative as Alternative
from powertrain_scheduler.snapshot.groups import Objective as Objective
from powertrain_scheduler.snapshot.groups import PodGroup as PodGroup
from powertrain_scheduler.snapshot.groups import Slice as Slice
from powertrain_scheduler.snapshot.groups import SubGroup as SubGroup
from powertrain_scheduler.snapshot.groups import Topology as Topology
from powertrain_scheduler.snapshot.nodes import NodeFacts as NodeFacts
from powertrain_scheduler.snapshot.nodes import Pool as Pool
from powertrain_scheduler.snapshot.nodes import Power as Power
from powertrain_scheduler.snapshot.nodes import SharedDevice as SharedDevice
from powertrain_scheduler.snapshot.nodes import Snapshot as Snapshot
from powertrain_scheduler.snapshot.pods import HostPort as HostPort
from powertrain_scheduler.snapshot.pods import NodeTerm as NodeTerm
from powertrain_scheduler.snapshot.pods import PlacedPod as PlacedPod
from powertrain_scheduler.snapshot.pods import Pod as Pod
from powertrain_scheduler.snapshot.pods import PodClass as PodClass
from powertrain_scheduler.snapshot.pods import PodSelector as PodSelector
from powertrain_scheduler.snapshot.pods import PodTerm as PodTerm
from powertrain_scheduler.snapshot.pods import Requirement as Requirement
from powertrain_scheduler.snapshot.pods import SpreadRule as SpreadRule
from powertrain_scheduler.snapshot.pods import Taint as Taint
from powertrain_scheduler.snapshot.pods import Toleration as Toleration
from powertrain_scheduler.snapshot.queues import Preemption as Preemption
from powertrain_scheduler.snapshot.queues import Queue as Queue
from powertrain_scheduler.snapshot.queues import Quota as Quota

PODS, CPU, MEMORY = "pods", "cpu", "memory"
"""Columns every node table has, first and in this order."""
