"""As somebody who trains, I apply a TrainingJob and it really trains to its end."""

from storykit.tenant import Tenant, training_job


def test_a_job_of_two_nodes_trains_to_its_end(tenant: Tenant) -> None:
    tenant.apply(training_job("train", tenant.image, workers=4, env={"PAUSE": 0.2}))
    tenant.until("all workers run", lambda: tenant.status("ptj", "train").get("workers") == "4/4")
    pods = tenant.pods_of("train")
    nodes = [pod["spec"]["nodeName"] for pod in pods]
    assert (
        nodes[0] == nodes[1] and nodes[2] == nodes[3] and nodes[0] != nodes[2]
    )  # neighbours in rank together
    first = pods[0]["metadata"]["name"]
    environment = dict(
        line.split("=", 1) for line in tenant.execute(first, "env").splitlines() if "=" in line
    )
    assert environment["JAX_NUM_PROCESSES"] == "4" and environment["JAX_PROCESS_ID"] == "0"
    coordinator = environment["JAX_COORDINATOR_ADDRESS"].rsplit(":", 1)[0]
    resolve = f"import socket; print(socket.gethostbyname({coordinator!r}))"
    address = tenant.execute(pods[3]["metadata"]["name"], "python", "-c", resolve).strip()
    assert address == tenant.get("pod", first)["status"]["podIP"]
    shared = tenant.execute(first, "df", "--output=fstype,size", "--block-size=1M", "/dev/shm").split()[-2:]
    assert (
        shared[0] == "tmpfs" and int(shared[1]) > 64
    )  # more than the 64 MiB that containers get by themselves
    tenant.until("the job succeeds", lambda: tenant.phase("ptj", "train") == "Succeeded", 120.0)
    for rank, pod in enumerate(tenant.pods_of("train")):
        assert f"rank {rank} done, loss 0.0000" in tenant.logs(pod["metadata"]["name"])
