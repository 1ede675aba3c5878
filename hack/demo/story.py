"""The demo's acts: what is applied, and what must be seen before it goes on.

An act ends when the API server says so, never after a fixed time; one that does not end within its
bound fails the demo with a sentence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from demo import view
from demo.install import EXAMPLES
from demo.world import PoolStatus, World

MANIFESTS = Path(__file__).parent / "manifests"
NAMESPACE = "demo"
FLEET = (EXAMPLES / "00-pools.yaml", EXAMPLES / "10-queues.yaml", MANIFESTS / "checkpoints.yaml")
"""What the cluster's owner applies before anybody works on it."""
SHORT, RACK, NPU, SERVICE, WAITING = "ablation", "llama-finetune", "qwen-pretrain", "chat", "llama-large"
LONG, SMALL, BORROWER, OWNER = "sweep", "smoke", "probe", "assistant"
"""Names in the manifests."""


@dataclass(frozen=True, slots=True)
class Act:
    """One step that the person at the terminal can follow."""

    announcement: str
    reached: Callable[[World], bool]
    what: str
    """What `reached` waits for, for the sentence of a failure."""
    seconds: float
    manifests: tuple[Path, ...] = ()
    """Applied at the beginning."""


def phase(world: World, name: str) -> str:
    workload = world.workload(name)
    return workload.status.phase if workload else ""


def all_ready(world: World, name: str) -> bool:
    """All of its workers or replicas are ready."""
    workload = world.workload(name)
    if workload is None or workload.status.phase not in ("Running", "Ready"):
        return False
    ready, _, wanted = workload.ready.partition("/")
    return bool(wanted) and ready == wanted


def in_one(level: str, world: World, name: str) -> bool:
    """All of its nodes lie in one domain of the level (the last part of the label's key)."""
    nodes = [world.nodes[node] for node in view.nodes_of(name, world.pods.values()) if node in world.nodes]
    levels = [key for pool in world.pools.values() for key in pool.spec.topology_levels]
    return view.domain(nodes, [key for key in levels if key.endswith(f"/{level}")]) != ""


def waits_with_reasons(world: World, name: str) -> bool:
    """It says in a sentence why it waits, and when it is expected to start."""
    workload = world.workload(name)
    if workload is None or workload.status.phase != "Queued":
        return False
    return bool(workload.status.message) and workload.status.estimated_start is not None


def waits_for(world: World, name: str, reason: str) -> bool:
    """It waits for this reason, and says so in a sentence."""
    workload = world.workload(name)
    if workload is None or workload.status.phase != "Queued":
        return False
    return workload.status.reason == reason and bool(workload.status.message)


ACTS = (
    Act(
        f"TrainingJob {SHORT}: 8 workers of 8 H100 in one block, for twenty seconds",
        lambda world: all_ready(world, SHORT) and in_one("block", world, SHORT),
        f"{SHORT} runs in one block",
        30.0,
        (MANIFESTS / "ablation.yaml",),
    ),
    Act(
        f"TrainingJob {RACK} (PyTorch), 4 x 8 H100 in one rack; TrainingJob {NPU} (MindSpore), "
        f"4 x 8 Ascend 910B; InferenceService {SERVICE}, 3 replicas on L4",
        lambda world: (
            in_one("rack", world, RACK) and all(all_ready(world, name) for name in (RACK, NPU, SERVICE))
        ),
        f"{RACK} runs in one rack, {NPU} runs, {SERVICE} is ready",
        30.0,
        (
            EXAMPLES / "20-trainingjob-pytorch.yaml",
            EXAMPLES / "21-trainingjob-mindspore.yaml",
            EXAMPLES / "30-inferenceservice.yaml",
        ),
    ),
    Act(
        f"TrainingJob {WAITING}: 10 x 8 H100, for which there is no room yet",
        lambda world: waits_with_reasons(world, WAITING),
        f"{WAITING} says why it waits and when it is expected to start",
        15.0,
        (MANIFESTS / "llama-large.yaml",),
    ),
    Act(
        f"TrainingJob {LONG}: 3 x 8 H100 for six hours would fit now, but would delay {WAITING}",
        lambda world: waits_for(world, LONG, "Reserved"),
        f"{LONG} waits with the reason Reserved",
        15.0,
        (MANIFESTS / "sweep.yaml",),
    ),
    Act(
        f"TrainingJob {SMALL}: 4 x 8 H100 for four seconds is over before that, and goes first (backfill)",
        lambda world: all_ready(world, SMALL) and phase(world, WAITING) == "Queued",
        f"{SMALL} runs while {WAITING} waits",
        15.0,
        (MANIFESTS / "smoke.yaml",),
    ),
    Act(
        f"{SHORT} comes to its end, and its room goes to {WAITING}",
        lambda world: phase(world, SHORT) == "Succeeded" and all_ready(world, WAITING),
        f"{SHORT} succeeds and {WAITING} runs",
        60.0,
    ),
    Act(
        f"TrainingJob {BORROWER}: 2 x 8 H100 that queue serving owns and does not use",
        lambda world: all_ready(world, BORROWER),
        f"{BORROWER} runs",
        15.0,
        (MANIFESTS / "probe.yaml",),
    ),
    Act(
        f"InferenceService {OWNER} of queue serving: its quota is taken back from {BORROWER} (reclaim)",
        lambda world: all_ready(world, OWNER) and phase(world, BORROWER) == "Queued",
        f"{OWNER} is ready and {BORROWER} waits again",
        60.0,
        (MANIFESTS / "assistant.yaml",),
    ),
    Act(
        "the pools count what is held and what it draws",
        lambda world: all(counted(world.pools[name].status) for name in world.pools),
        "every pool tells watts and kWh",
        30.0,
    ),
)


def counted(status: PoolStatus) -> bool:
    """The pool says what it draws, and has used enough energy for its three decimals to show it."""
    return status.watts is not None and bool(status.kilowatt_hours)
