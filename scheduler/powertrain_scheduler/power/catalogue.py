"""Published figures of accelerators, each with where it is from. A pool's own figures override them.

Sources are of four kinds, told by their first word: `vendor` (data sheet or documentation),
`measured` (somebody's published measurement), `literature` (used by a paper without saying how
it was obtained) and `estimate` (ours, or a range in which sources disagree). What nobody
publishes is None: a pool of such devices has to say it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from powertrain_scheduler.snapshot import Power


class Figure(NamedTuple):
    """A number and its source."""

    value: float
    source: str


DEFAULT_HOST_WATTS = Figure(
    500.0, "estimate: a two-socket server with its fans and network cards, no accelerators"
)
"""What a node draws beside its devices where nothing better is known."""

VENDOR = "vendor data sheet"
VENDOR_DOCS = "vendor documentation"
PWR = "literature: power table of Lettich et al., CCGrid 2025"
ESTIMATE = "estimate: idle watts of comparable devices"


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One model of device. Figures are of one device as the resource name counts it."""

    name: str
    active_watts: Figure | None
    """Under load: the rated board power where nothing better is known."""
    idle_watts: Figure | None
    """Powered, without work."""
    memory_gb: Figure
    bandwidth_gb_per_s: Figure | None
    bf16_tflops: Figure
    """Dense BF16, or FP16 where it has no BF16: the default for how fast it works."""
    scale_up: int | None = None
    """Devices in one scale-up domain (NVLink, HCCS, Infinity Fabric, ICI)."""
    host_watts: Figure = DEFAULT_HOST_WATTS

    @property
    def speed(self) -> float:
        """Work per second relative to other models, when nobody has measured it for the work at hand."""
        return self.bf16_tflops.value

    @property
    def power(self) -> Power | None:
        """The figures as a pool's, awake when empty; None where idle or active watts are not known."""
        if self.active_watts is None or self.idle_watts is None:
            return None
        return Power(self.idle_watts.value, self.active_watts.value, self.host_watts.value, self.speed)


def _vendor(value: float) -> Figure:
    return Figure(value, VENDOR)


def _documented(value: float) -> Figure:
    return Figure(value, VENDOR_DOCS)


def _pwr(value: float) -> Figure:
    return Figure(value, PWR)


def _estimate(value: float, of: str = ESTIMATE) -> Figure:
    return Figure(value, of)


_H100_HOST = Figure(
    2800.0,
    "measured: 8.4 kW at most of an 8-GPU HGX node in training (Latif et al., IEEE Access 2025), less 8 x 700 W",
)
_ASCEND_910B = "estimate: middle of 310-400 W, between which sources disagree"

_ACCELERATORS = (
    Accelerator("p100-pcie", _pwr(250), _pwr(25), _vendor(16), _vendor(732), _vendor(18.7)),
    Accelerator("v100-pcie", _vendor(250), _pwr(30), _vendor(32), _vendor(900), _vendor(112)),
    Accelerator("v100-sxm2", _pwr(300), _pwr(30), _vendor(32), _vendor(900), _vendor(125), 8),
    Accelerator("t4", _pwr(70), _pwr(10), _vendor(16), _vendor(320), _vendor(65)),
    Accelerator("a10", _pwr(150), _pwr(30), _vendor(24), _vendor(600), _vendor(125)),
    Accelerator("a100-pcie-40gb", _vendor(250), _pwr(50), _vendor(40), _vendor(1555), _vendor(312)),
    Accelerator("a100-sxm-40gb", _vendor(400), _pwr(50), _vendor(40), _vendor(1555), _vendor(312), 8),
    Accelerator("a100-pcie-80gb", _vendor(300), _pwr(50), _vendor(80), _vendor(1935), _vendor(312)),
    Accelerator("a100-sxm-80gb", _vendor(400), _pwr(50), _vendor(80), _vendor(2039), _vendor(312), 8),
    Accelerator("l4", _vendor(72), _estimate(16), _vendor(24), _vendor(300), _vendor(121)),
    Accelerator("l40s", _vendor(350), _estimate(35), _vendor(48), _vendor(864), _vendor(362)),
    Accelerator("h100-pcie", _vendor(350), _estimate(50), _vendor(80), _vendor(2000), _vendor(756), 2),
    Accelerator(
        "h100-sxm", _vendor(700), _estimate(70), _vendor(80), _vendor(3350), _vendor(989), 8, _H100_HOST
    ),
    Accelerator(
        "h200-sxm",
        _vendor(700),
        Figure(73.7, "measured: one cloud provider's published idle reading"),
        _vendor(141),
        _vendor(4800),
        _vendor(989),
        8,
    ),
    Accelerator("b200", _vendor(1000), _estimate(140), _vendor(180), _vendor(8000), _vendor(2250), 8),
    Accelerator("gb200", _vendor(1200), _estimate(150), _vendor(192), _vendor(8000), _vendor(2500), 72),
    Accelerator(
        "b300",
        _vendor(1400),
        None,
        _vendor(288),
        _vendor(8000),
        _estimate(2500, "estimate: upper end of 2250-2500 dense; other sheets say 3750"),
        8,
    ),
    Accelerator(
        "mi250x",
        _vendor(560),
        Figure(92, "measured: 90-95 W an MI250 module, from a user's report"),
        _vendor(128),
        _vendor(3277),
        _vendor(383),
        8,
    ),
    Accelerator("mi300x", _vendor(750), _estimate(140), _vendor(192), _vendor(5300), _vendor(1307), 8),
    Accelerator("mi325x", _vendor(1000), None, _vendor(256), _vendor(6000), _vendor(1307), 8),
    Accelerator("mi355x", _vendor(1400), None, _vendor(288), _vendor(8000), _vendor(2500), 8),
    Accelerator("tpu-v4", _documented(192), None, _documented(32), _documented(1228), _documented(275), 4096),
    Accelerator("tpu-v5e", None, None, _documented(16), _documented(819), _documented(197), 256),
    Accelerator("tpu-v5p", None, None, _documented(95), _documented(2765), _documented(459), 8960),
    Accelerator("tpu-v6e", None, None, _documented(32), _documented(1638), _documented(918), 256),
    Accelerator("trainium1", None, None, _documented(32), _documented(820), _documented(190), 16),
    Accelerator("trainium2", None, None, _documented(96), _documented(2900), _documented(667), 16),
    Accelerator("inferentia2", None, None, _documented(32), _documented(820), _documented(190), 12),
    Accelerator("gaudi2", _vendor(600), None, _vendor(96), _vendor(2460), _vendor(432), 8),
    Accelerator("gaudi3", _vendor(900), None, _vendor(128), _vendor(3670), _vendor(1835), 8),
    Accelerator("ascend-910", _vendor(310), None, _vendor(32), _vendor(1200), _vendor(256), 8),
    Accelerator(
        "ascend-910b",
        _estimate(355, _ASCEND_910B),
        _estimate(90),
        _vendor(64),
        _estimate(1600, "estimate: most frequent of figures from 400 to 1600 GB/s"),
        _estimate(320, "estimate: within 313-376, between which sources disagree"),
        8,
    ),
    Accelerator(
        "ascend-910c",
        _estimate(700, "estimate: two 910B dies; 1.46 kW an NPU are published for a whole CloudMatrix384"),
        None,
        _vendor(128),
        _vendor(3200),
        _estimate(752, "estimate: lower end of 752-800"),
        384,
    ),
    Accelerator("ascend-310p", _vendor(72), None, _vendor(48), _vendor(204), _vendor(70)),
)

CATALOGUE: Mapping[str, Accelerator] = MappingProxyType({each.name: each for each in _ACCELERATORS})
"""By the name that a pool's `accelerator` gives."""
