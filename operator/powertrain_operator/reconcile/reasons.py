"""The closed set of reasons in the status of TrainingJobs and InferenceServices.

While work waits for nodes its reason is the PodGroup's, written by the placement process
(`powertrain_scheduler.reasons`); all others are these.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why the phase is what it is."""

    # --- Invalid: becomes valid by itself once the cluster or the spec is put right
    INVALID_SPEC = "InvalidSpec"
    """The object breaks a rule of its schema; written before the rule existed."""
    QUEUE_NOT_FOUND = "QueueNotFound"
    ACCELERATOR_NOT_FOUND = "AcceleratorNotFound"
    """No AcceleratorPool offers it."""
    POOL_INVALID = "PoolInvalid"
    """Only pools that are Invalid themselves offer it."""
    DEVICES_CONTRADICT = "DevicesContradict"
    """The template asks for another number of the same devices."""
    NAME_TAKEN = "NameTaken"
    """A child's name belongs to an object that is not ours."""
    POD_REFUSED = "PodRefused"
    """The API server will not take the pods: validation, admission, a namespace's quota."""

    # --- waiting and starting
    WAITING_FOR_SCHEDULER = "WaitingForScheduler"
    """The placement process has not said anything yet."""
    WAITING_FOR_PODS_TO_STOP = "WaitingForPodsToStop"
    """Pods of an earlier attempt still hold their names and nodes."""
    PLACING = "Placing"
    CONTAINERS_STARTING = "ContainersStarting"
    SPEC_CHANGED = "SpecChanged"
    """The pods were made from an older spec; nothing of them was kept."""
    POOLS_CHANGED = "PoolsChanged"
    """The nodes that may be used are others than when the waiting pods were made."""

    SHAPE_CHOSEN = "ShapeChosen"
    """There is room in another of the job's shapes than the waiting pods were made for."""

    # --- running
    RUNNING = "Running"
    READY = "Ready"
    SCALED_TO_ZERO = "ScaledToZero"
    ROLLING_OUT = "RollingOut"
    REPLICAS_NOT_READY = "ReplicasNotReady"
    SUSPENDED = "Suspended"

    # --- mishaps
    WORKER_FAILED = "WorkerFailed"
    """A container ended with an exit code other than 0. Counts toward maxRestarts."""
    WORKER_DISRUPTED = "WorkerDisrupted"
    """Evicted, drained or deleted by somebody else."""
    EVICTED = "Evicted"
    """By the placement process, for other work."""
    NODE_LOST = "NodeLost"
    POD_REJECTED = "PodRejected"
    """The node's kubelet would not take the pod."""

    # --- ends
    SUCCEEDED = "Succeeded"
    RESTART_LIMIT = "RestartLimit"
    DEADLINE_EXCEEDED = "DeadlineExceeded"


class Problem(Exception):
    """Why an object cannot run as it is; nothing is made until that has changed."""

    def __init__(self, reason: Reason, message: str, *, passes: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.passes = passes
        """It goes away by itself, so the object waits and is not invalid."""
