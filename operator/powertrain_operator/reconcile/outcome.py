"""What a reconciler wants done: plain values, carried out by `controller.execute`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Manifest = Mapping[str, Any]
"""A Kubernetes object as plain data, never changed once it is made."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """One object that has to go; the uid keeps a successor of the same name safe."""

    kind: str
    namespace: str
    name: str
    uid: str
    grace_seconds: int | None = None
    """0 removes the object at once, without its node's word; None leaves it to the object."""


@dataclass(frozen=True, slots=True)
class Note:
    """An Event about the object, for `kubectl describe`."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to do, in this order: apply, create, delete, write the status, tell.

    Any prefix of it may be all that happens: the next observation must lead on from there.
    """

    apply: tuple[Manifest, ...] = ()
    """PodGroups and Services as they should be; each carries the hash of what it was made from."""
    create: tuple[Manifest, ...] = ()
    """Pods that do not exist."""
    delete: tuple[Deletion, ...] = ()
    status: Manifest | None = None
    """The whole status; None leaves it as it is."""
    notes: tuple[Note, ...] = ()
    requeue_after: float | None = None
    """Seconds until time alone changes the outcome; None: only a change in the world does."""


NOTHING = Outcome()
