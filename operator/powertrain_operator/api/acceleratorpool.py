"""AcceleratorPool: the nodes that carry one model of device, how they hang together, what they draw."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from powertrain_operator.api.definition import AGE, Column, Definition
from powertrain_operator.api.fields import (
    LABEL_KEYS,
    ORDERED_SET,
    AcceleratorName,
    Count,
    LabelKey,
    LabelValue,
    ResourceName,
)
from powertrain_operator.api.meta import Model, Object, Status
from powertrain_operator.api.rules import rule

AcceleratorPoolPhase = Literal["Ready", "Invalid"]

Watts = Annotated[float, Field(ge=0, le=1_000_000)]

ShownWatts = Annotated[float, Field(ge=0), AfterValidator(lambda watts: round(watts, 1))]
ShownEnergy = Annotated[float, Field(ge=0), AfterValidator(lambda energy: round(energy, 3))]
"""Rounded, so that kubectl's columns are readable and a status changes only where it shows."""


class PoolPower(Model):
    """The watts of a pool's parts."""

    device_idle_watts: Watts = Field(
        description="deviceIdleWatts is what one idle device draws, in watts. From 0 to 1000000, not more "
        "than deviceActiveWatts."
    )
    device_active_watts: Watts = Field(
        description="deviceActiveWatts is what one device under load draws, in watts. From 0 to 1000000."
    )
    host_watts: Watts = Field(
        description="hostWatts is what one node draws without its devices, awake, in watts. From 0 to "
        "1000000."
    )

    @rule(
        "self.deviceIdleWatts <= self.deviceActiveWatts",
        "deviceIdleWatts is more than deviceActiveWatts; lower deviceIdleWatts or raise deviceActiveWatts",
        field="deviceIdleWatts",
    )
    def idles_on_no_more_than_load(self) -> bool:
        return self.device_idle_watts <= self.device_active_watts


class AcceleratorPoolSpec(Model):
    """Which nodes, which devices, at what power."""

    node_selector: Annotated[dict[str, LabelValue], Field(min_length=1, max_length=16), LABEL_KEYS] = Field(
        description="nodeSelector is the labels a node has to have to be in the pool. At least 1, at most 16."
    )
    accelerator: AcceleratorName = Field(
        description="accelerator is the model of device: a name of the built-in catalogue, such as "
        "h100-sxm or ascend-910b, or any other name where power is given. At most 63 "
        "characters."
    )
    resource_name: ResourceName = Field(
        description="resourceName is the extended resource by which nodes offer the devices, such as "
        "nvidia.com/gpu or huawei.com/Ascend910."
    )
    topology_levels: Annotated[tuple[LabelKey, ...], Field(max_length=8), ORDERED_SET] = Field(
        default=(),
        description="topologyLevels are the keys of the node labels that say where a node stands, widest "
        "first, such as a block's, then a rack's. At most 8, no key twice. Default: none, and "
        "topology asked for by work does not fit here.",
    )
    power: PoolPower | None = Field(
        default=None,
        description="power is the watts of a device and of a node. Default: the catalogue's figures for "
        "accelerator.",
    )
    speed: float | None = Field(
        default=None,
        gt=0,
        le=1_000_000_000,
        description="speed is the work one device does a second, relative to the other pools. More than 0. "
        "Default: the catalogue's dense BF16 TFLOPS, or 1 for a model that is not in it.",
    )
    price: float = Field(
        default=0.0,
        ge=0,
        le=1_000_000,
        description="price is that of one device for an hour, in the currency of all pools; work with "
        "objective: cost goes by it. At least 0. Default: 0, nobody said.",
    )
    sleep_when_empty: bool = Field(
        default=False,
        description="sleepWhenEmpty says that empty nodes are put to sleep, so that the watts of waking "
        "one count against placing work there. Default: false.",
    )


class AcceleratorPoolStatus(Status):
    """How the pool stands. Written by the placement process only."""

    phase: AcceleratorPoolPhase | None = Field(
        default=None,
        description="phase is Ready or Invalid (message says what is wrong; its nodes get no work).",
    )
    nodes: Count | None = Field(default=None, description="nodes is how many nodes are in the pool.")
    devices: Count | None = Field(default=None, description="devices is how many devices its nodes offer.")
    allocated: Count | None = Field(default=None, description="allocated is how many devices pods hold.")
    watts: ShownWatts | None = Field(
        default=None, description="watts is what the pool draws now, modelled, in watts, to one decimal."
    )
    kilowatt_hours: ShownEnergy | None = Field(
        default=None,
        description="kilowattHours is what the pool has used since it was made, modelled, in kWh, to three "
        "decimals.",
    )


class AcceleratorPool(Object[AcceleratorPoolSpec, AcceleratorPoolStatus]):
    """AcceleratorPool is the nodes that carry one model of accelerator."""

    definition: ClassVar[Definition] = Definition(
        plural="acceleratorpools",
        short="ptpool",
        namespaced=False,
        columns=(
            Column("Accelerator", ".spec.accelerator"),
            Column("Nodes", ".status.nodes", "integer"),
            Column("Devices", ".status.devices", "integer"),
            Column("Allocated", ".status.allocated", "integer"),
            Column("Watts", ".status.watts", "number"),
            Column("kWh", ".status.kilowattHours", "number"),
            Column("Phase", ".status.phase"),
            Column("Message", ".status.message", wide=True),
            AGE,
        ),
    )

    kind: Literal["AcceleratorPool"] = "AcceleratorPool"
