"""MindSpore: the numbers that msrun's flags take, without a scheduler pod and without a rank table.

    msrun --worker_num=$(MS_WORKER_NUM) --local_worker_num=$(MS_LOCAL_WORKER)
          --master_addr=$(MS_SCHED_HOST) --master_port=$(MS_SCHED_PORT)
          --node_rank=$(MS_NODE_RANK) --join=True train.py

MS_ROLE is left to msrun: it starts the scheduler on node 0 and sets the role of each process, and
a script that is run without it must not believe that it is in a cluster.
"""

from powertrain_operator.reconcile.frameworks.launch import Launch

PORT = 8118


def variables(launch: Launch, rank: int) -> dict[str, str]:
    """Workers in MindSpore's sense are processes, one for each NPU."""
    return {
        "MS_SCHED_HOST": launch.coordinator,
        "MS_SCHED_PORT": str(PORT),
        "MS_WORKER_NUM": str(launch.processes),
        "MS_LOCAL_WORKER": str(launch.processes_per_worker),
        "MS_SERVER_NUM": "0",
        "MS_NODE_RANK": str(rank),
    }
