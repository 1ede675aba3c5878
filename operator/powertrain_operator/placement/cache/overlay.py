"""What this process decided about pods and the watch has not shown yet.

Each entry is about one pod by name *and* uid, so that a pod made anew under the same name is not
taken for its predecessor. An entry goes as soon as an event says the same thing, or another pod.
"""

from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from ..translate.pods import PodFact


class Assumed(NamedTuple):
    """A binding that was decided; it counts as used until it is seen, or has failed."""

    uid: str
    node: str
    device: str = ""
    """Of which it gets a share."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A pod that is not to be placed for a while, because its bindings fail."""

    uid: str
    until: float
    """Seconds since the epoch."""
    message: str


class Overlay:
    """Assumed bindings and pods told to leave, by pod name."""

    def __init__(self) -> None:
        self.assumed: dict[str, Assumed] = {}
        self.leaving: dict[str, str] = {}
        """uid by pod name."""
        self.holds: dict[str, Hold] = {}

    def over(self, key: str, seen: PodFact | None) -> PodFact | None:
        """What to believe of a pod of which the watch says `seen`; forgets what is settled by it."""
        believed = seen
        if (assumed := self.assumed.get(key)) is not None:
            if seen is None or seen.uid != assumed.uid or seen.node:
                del self.assumed[key]
            else:
                believed = msgspec.structs.replace(
                    seen, node=assumed.node, device=assumed.device, gated=False
                )
        if (uid := self.leaving.get(key)) is not None:
            if seen is None or seen.uid != uid or seen.leaving:
                del self.leaving[key]
            elif believed is not None:
                believed = msgspec.structs.replace(believed, leaving=True)
        if (hold := self.holds.get(key)) is not None and (seen is None or seen.uid != hold.uid):
            del self.holds[key]
        return believed
