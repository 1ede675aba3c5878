"""Shares of devices: which part of one device a pod asks for, and which device it was given.

Both stand in annotations, since a pod's spec counts whole devices only. How the part is kept to its
size on the device is the business of the device's own runtime (MIG, MPS, time slices, vNPU), which
reads the device's name from the pod.
"""

import re

from powertrain_scheduler.snapshot import PodClass

WHOLE = 1000
"""Thousandths of one device."""
_SAID = re.compile(r"(?P<resource>[a-z0-9.-]+/[A-Za-z0-9._-]+)=(?P<part>[0-9]{1,4})")


def share(text: str) -> tuple[str, int] | None:
    """(extended resource, thousandths), None where nothing is said. Raises ValueError, the end of "it requires ...", where it is no such thing."""
    if not text:
        return None
    said = _SAID.fullmatch(text.strip())
    if said is None or not 0 < int(said["part"]) < WHOLE:
        raise ValueError(
            f"the device share {text[:60]!r}, which is none; write a resource and thousandths from 1 to 999, "
            "such as nvidia.com/gpu=500"
        )
    return said["resource"], int(said["part"])


def trouble(pod_class: PodClass) -> str:
    """Why a class with a share cannot be placed, as the end of "it requires ..."; empty where it can."""
    if pod_class.share is not None and dict(pod_class.request).get(pod_class.share[0]):
        return f"a share of one {pod_class.share[0]} and whole ones, too; ask for one of both"
    return ""
