"""Amounts, shapes and times as people write them, for the sentences of a plan."""

from collections.abc import Sequence
from datetime import UTC, datetime

from powertrain_scheduler.asks import Ask, Need
from powertrain_scheduler.kinds import DEVICE
from powertrain_scheduler.snapshot import CPU, MEMORY, PODS

GIB = 1 << 30


def shape(wanted: Ask) -> str:
    """What a group asks for: `4 x 8 nvidia.com/gpu`, or `2 x (cpu 500m, memory 1 GiB)` where no devices are in it."""
    return " and ".join(need_shape(need) for need in wanted.needs)


def need_shape(need: Need) -> str:
    """The pods of one class."""
    return f"{len(need.pods)} x {pod_shape(need)}"


def pod_shape(need: Need) -> str:
    """One pod of the class."""
    devices = [f"{count} {name}" for name, count in need.traits.taken]
    if need.traits.pod_class.share is not None:
        resource, thousandths = need.traits.pod_class.share
        devices.append(f"{thousandths / 1000:g} {resource}")
    if devices:
        return " + ".join(devices)
    rest = [
        f"{name} {amount(name, n)}" for name, n in need.traits.pod_class.request if name != PODS and n > 0
    ]
    return f"({', '.join(rest)})" if rest else "(no requests)"


def amount(resource: str, value: int) -> str:
    """`1500m` CPU, `2 GiB`, or the plain count."""
    if resource == CPU:
        return f"{value // 1000}" if value % 1000 == 0 else f"{value}m"
    if resource == MEMORY or resource.startswith(("hugepages-", "ephemeral-storage")):
        return f"{value / GIB:.3g} GiB"
    return str(value)


def plain(kind: str, value: int) -> str:
    """An amount that quotas count: devices of an accelerator, else as `amount` has it."""
    return amount(kind, value) if kind in (CPU, MEMORY) else f"{value / DEVICE:g}"


def of_kind(kind: str, value: int) -> str:
    """`2 h100`, `1.5 h100`, `500m cpu`, `4 GiB memory`."""
    return f"{plain(kind, value)} {kind}"


def moment(seconds: float) -> str:
    """UTC to the second, as Kubernetes writes times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def counted(number: int, noun: str) -> str:
    """`1 pod`, `2 pods`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def some(names: Sequence[str], noun: str, most: int = 3) -> str:
    """`a, b, c and 2 nodes more`."""
    shown = ", ".join(names[:most])
    more = len(names) - most
    return f"{shown} and {counted(more, noun)} more" if more > 0 else shown
