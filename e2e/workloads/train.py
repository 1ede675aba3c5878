"""Real training over several processes: a linear model by gradient descent, summed over all workers.

Each worker has data of its own; only by summing the gradients of all of them does the model come out
right, so a wrong world size or a worker that is not there shows in the result. The coordinator's address and
the ranks come from the environment that Powertrain sets for `framework: jax`.
"""

import os
import signal
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils

STEPS = int(os.environ.get("STEPS", "20"))
PAUSE = float(os.environ.get("PAUSE", "0"))
"""Seconds between steps, for runs that must last."""
STOP_AT = os.environ.get("FAIL_AT", "")
"""`RANK:STEP:STATUS`: this rank ends itself at this step, the first time only."""


def told_to_leave(*_: object) -> None:
    """What a real trainer does in its grace: saves its state, and ends."""
    print("told to leave, saving", flush=True)
    time.sleep(1.0)
    print("saved", flush=True)
    os._exit(0)


def main() -> int:
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(
        os.environ["JAX_COORDINATOR_ADDRESS"],
        int(os.environ["JAX_NUM_PROCESSES"]),
        int(os.environ["JAX_PROCESS_ID"]),
    )
    signal.signal(signal.SIGTERM, told_to_leave)  # after jax, which has a handler of its own
    rank, size = jax.process_index(), jax.process_count()
    print(f"rank {rank} of {size}, {jax.device_count()} devices, {Path('/dev/shm').is_mount()=}", flush=True)
    truth = np.arange(1.0, size + 1.0)
    weights = jnp.zeros(size)
    for step in range(STEPS):
        fail(rank, step)
        # A worker knows only its own coordinate of the truth.
        gradient = np.zeros(size)
        gradient[rank] = float(weights[rank]) - truth[rank]
        summed = multihost_utils.process_allgather(jnp.asarray(gradient)).sum(axis=0)
        weights = weights - 0.5 * summed
        print(f"rank {rank} step {step} loss {float(jnp.square(weights - truth).sum()):.6f}", flush=True)
        time.sleep(PAUSE)
    loss = float(jnp.square(weights - truth).sum())
    print(f"rank {rank} done, loss {loss:.6f}", flush=True)
    return 0 if loss < 1e-3 else 3


def fail(rank: int, step: int) -> None:
    """Ends the process as asked, once: a restarted attempt goes on."""
    if not STOP_AT or int(os.environ.get("POWERTRAIN_ATTEMPT", "0")) > 0:
        return
    who, when, status = (int(part) for part in STOP_AT.split(":"))
    if (rank, step) == (who, when):
        print(f"rank {rank} ends itself with status {status}", flush=True)
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
