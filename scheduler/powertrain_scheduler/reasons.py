"""The closed set of reasons a pod group can wait for.

A reason is for machines (conditions, metric labels, alerts); the sentence beside it in a
`Wait` is for the group's owner. Adding one means adding its line here and in docs/concepts.md.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a pod group holds no (or not all) nodes."""

    WAITING_FOR_PODS = "WaitingForPods"
    """Fewer pods exist than the group needs at least."""
    SCHEDULING_GATED = "SchedulingGated"
    """Pods of the group carry scheduling gates that somebody else must lift."""
    POD_GROUP_NOT_FOUND = "PodGroupNotFound"
    """Pods name a pod group that does not exist."""
    INVALID_POD_GROUP = "InvalidPodGroup"
    """The group says of itself what can't be meant: parts in a circle, slices of nothing."""
    QUEUE_NOT_FOUND = "QueueNotFound"
    """The group's queue, or a parent of it, does not exist."""
    INVALID_QUEUE = "InvalidQueue"
    """The queue's parents form a cycle, or its figures contradict each other."""
    QUOTA_EXCEEDED = "QuotaExceeded"
    """The queue, or a parent of it, may not hold this much."""
    NO_MATCHING_NODES = "NoMatchingNodes"
    """No node passes the pods' selectors, affinities, taints and host ports, however empty."""
    DOES_NOT_FIT = "DoesNotFit"
    """Nodes match, but too little is free on them now."""
    NEVER_FITS = "NeverFits"
    """Would not fit even on a fleet with nothing else on it."""
    TOPOLOGY_DOES_NOT_FIT = "TopologyDoesNotFit"
    """Enough is free in all, but in no single domain of the required level."""
    WAITING_FOR_EVICTION = "WaitingForEviction"
    """Room is being made: evicted pods have yet to leave."""
    RESERVED = "Reserved"
    """What is free is held for a group ahead of this one, which it would delay."""
    CHANGING_SHAPE = "ChangingShape"
    """It has room in another of its shapes, for which its pods are being made anew."""
    WAITING_FOR_SHAPE = "WaitingForShape"
    """It would fit now in one of its shapes, but is expected to be better off in another one later."""
