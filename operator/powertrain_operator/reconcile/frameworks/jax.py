"""JAX: one process a worker, which hands these three to `jax.distributed.initialize`."""

from powertrain_operator.reconcile.frameworks.launch import Launch

PORT = 29500


def variables(launch: Launch, rank: int) -> dict[str, str]:
    """A JAX process drives all devices of its worker, so processes are workers."""
    return {
        "JAX_COORDINATOR_ADDRESS": f"{launch.coordinator}:{PORT}",
        "JAX_NUM_PROCESSES": str(launch.workers),
        "JAX_PROCESS_ID": str(rank),
    }
