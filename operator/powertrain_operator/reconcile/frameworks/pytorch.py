"""PyTorch: `torchrun train.py` with no flags, or a plain script where one process is all a worker has.

torchrun reads each of its flags from `PET_<FLAG>` (torch/distributed/run.py) and sets RANK,
WORLD_SIZE and the like for the processes that it starts, so what stands here does not reach them.
"""

from powertrain_operator.reconcile.frameworks.launch import Launch

PORT = 29500


def variables(launch: Launch, rank: int) -> dict[str, str]:
    """The flags of torchrun, and the meeting point under the names that `env://` reads."""
    found = {
        "PET_NNODES": str(launch.workers),
        "PET_NPROC_PER_NODE": str(launch.processes_per_worker),
        "PET_NODE_RANK": str(rank),
        "PET_MASTER_ADDR": launch.coordinator,
        "PET_MASTER_PORT": str(PORT),
        "MASTER_ADDR": launch.coordinator,
        "MASTER_PORT": str(PORT),
    }
    if launch.processes_per_worker == 1:  # else a worker has several ranks, and only torchrun can tell them
        found |= {"WORLD_SIZE": str(launch.processes), "RANK": str(rank), "LOCAL_RANK": "0"}
    return found
