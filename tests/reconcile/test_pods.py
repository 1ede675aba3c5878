"""What a worker's or a replica's pod is made of, and what of the template stays as it was."""

from typing import Any

import pytest
from powertrain_operator.reconcile import reconcile_inference_service, reconcile_training_job
from powertrain_operator.reconcile.frameworks import FRAMEWORKS, Launch, environment
from reconcile.building import Json, fleet, job, pool, seen_job, seen_service, service


def worker(manifest: Json, rank: int = 0, **options: Any) -> Json:
    return dict(reconcile_training_job(seen_job(manifest, **options)).create[rank])


def replica(manifest: Json, node: int = 0) -> Json:
    return dict(reconcile_inference_service(seen_service(manifest)).create[node])


def env(pod: Json) -> dict[str, Any]:
    entries = pod["spec"]["containers"][0]["env"]
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in entries}


def test_torchrun_needs_no_flags() -> None:
    found = env(worker(job(workers=4), rank=2))
    assert {name: value for name, value in found.items() if name.startswith("PET_")} == {
        "PET_NNODES": "4",
        "PET_NPROC_PER_NODE": "8",
        "PET_NODE_RANK": "2",
        "PET_MASTER_ADDR": "llm-worker-0.llm-workers",
        "PET_MASTER_PORT": "29500",
    }


def test_a_plain_pytorch_script_gets_its_rank_only_where_a_worker_is_one_process() -> None:
    assert env(worker(job(workers=4, devices=None), rank=2))["RANK"] == "2"
    assert "RANK" not in env(worker(job(workers=4)))


def test_jax_and_mindspore_get_the_figures_they_read() -> None:
    launch = Launch("llm", workers=4, devices_per_worker=8, coordinator="llm-worker-0.llm-workers", attempt=0)
    assert FRAMEWORKS["jax"](launch, 3) == {
        "JAX_COORDINATOR_ADDRESS": "llm-worker-0.llm-workers:29500",
        "JAX_NUM_PROCESSES": "4",
        "JAX_PROCESS_ID": "3",
    }
    assert FRAMEWORKS["mindspore"](launch, 3) == {
        "MS_SCHED_HOST": "llm-worker-0.llm-workers",
        "MS_SCHED_PORT": "8118",
        "MS_WORKER_NUM": "32",
        "MS_LOCAL_WORKER": "8",
        "MS_SERVER_NUM": "0",
        "MS_NODE_RANK": "3",
    }


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_framework_gets_powertrains_own_variables(framework: str) -> None:
    launch = Launch("llm", workers=4, devices_per_worker=0, coordinator="c", attempt=2)
    found = environment(framework, launch, 1)
    assert (found["POWERTRAIN_RANK"], found["POWERTRAIN_WORLD_SIZE"], found["POWERTRAIN_ATTEMPT"]) == (
        "1",
        "4",
        "2",
    )


def test_the_authors_variables_come_last_and_win() -> None:
    theirs = [{"name": "PET_MASTER_PORT", "value": "1234"}, {"name": "NAME", "value": "$(POWERTRAIN_RANK)"}]
    entries = worker(job(container={"env": theirs}))["spec"]["containers"][0]["env"]
    assert entries[-2:] == theirs
    assert [entry["name"] for entry in entries].count("PET_MASTER_PORT") == 1


def test_devices_are_request_and_limit_of_the_first_container_only() -> None:
    side = {"name": "side", "image": "side:1"}
    pod = worker(job(container={"resources": {"requests": {"cpu": "8"}}}, devices=("ascend-910b", 4)))
    assert pod["spec"]["containers"][0]["resources"] == {
        "limits": {"huawei.com/Ascend910": "4"},
        "requests": {"cpu": "8", "huawei.com/Ascend910": "4"},
    }
    manifest = job()
    manifest["spec"]["workers"]["template"]["spec"]["containers"].append(side)
    assert worker(manifest)["spec"]["containers"][1] == side


def affinity(pod: Json) -> Any:
    required = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    return required["nodeSelectorTerms"]


def test_a_pod_may_go_to_the_nodes_of_any_pool_of_its_accelerator() -> None:
    pools = (
        pool("a", "h100-sxm", labels={"gpu": "h100"}),
        pool("b", "h100-sxm", labels={"x": "1", "y": "2"}),
    )
    assert affinity(worker(job(), fleet=fleet(*pools))) == [
        {"matchExpressions": [{"key": "gpu", "operator": "In", "values": ["h100"]}]},
        {
            "matchExpressions": [
                {"key": "x", "operator": "In", "values": ["1"]},
                {"key": "y", "operator": "In", "values": ["2"]},
            ]
        },
    ]


def test_a_pools_nodes_and_the_authors_own_affinity_must_both_hold() -> None:
    zone = {"key": "zone", "operator": "In", "values": ["z1"]}
    named = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}
    preferred = [{"weight": 1, "preference": {"matchExpressions": [zone]}}]
    theirs = {
        "podAffinity": {"x": 1},
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [zone]}, named]
            },
            "preferredDuringSchedulingIgnoredDuringExecution": preferred,
        },
    }
    pod = worker(job(pod={"affinity": theirs}))
    ours = {"key": "powertrain.dev/accelerator", "operator": "In", "values": ["h100-sxm"]}
    assert affinity(pod) == [{"matchExpressions": [zone, ours]}, {**named, "matchExpressions": [ours]}]
    assert pod["spec"]["affinity"]["podAffinity"] == {"x": 1}
    node = pod["spec"]["affinity"]["nodeAffinity"]
    assert node["preferredDuringSchedulingIgnoredDuringExecution"] == preferred


def test_shared_memory_is_mounted_unless_the_template_mounts_its_own() -> None:
    pod = worker(job())
    assert pod["spec"]["volumes"] == [{"name": "powertrain-shm", "emptyDir": {"medium": "Memory"}}]
    assert {"name": "powertrain-shm", "mountPath": "/dev/shm"} in pod["spec"]["containers"][0]["volumeMounts"]
    own = {"volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "64Gi"}}]}
    mounts = {"volumeMounts": [{"name": "shm", "mountPath": "/dev/shm/"}]}
    pod = worker(job(pod=own, container=mounts))
    assert (pod["spec"]["volumes"], pod["spec"]["containers"][0]["volumeMounts"]) == (
        own["volumes"],
        mounts["volumeMounts"],
    )


def test_what_the_template_says_otherwise_stays_as_it_is() -> None:
    theirs = {
        "terminationGracePeriodSeconds": 5,
        "tolerations": [{"key": "gpu"}],
        "priorityClassName": "high",
    }
    manifest = job(pod=theirs)
    template = manifest["spec"]["workers"]["template"]
    template["metadata"] = {"labels": {"team": "a", "app.kubernetes.io/managed-by": "Helm"}}
    pod = worker(manifest)
    assert {field: pod["spec"][field] for field in theirs} == theirs
    assert pod["metadata"]["labels"]["team"] == "a"
    assert pod["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "powertrain", (
        "else we would not see it"
    )
    assert (pod["spec"]["restartPolicy"], pod["spec"]["schedulerName"]) == ("Never", "powertrain")
    assert pod["spec"]["enableServiceLinks"] is False
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("llm-worker-0", "llm-workers")


def test_a_pod_goes_with_its_job() -> None:
    pod = worker(job())
    assert pod["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "powertrain.dev/v1alpha1",
            "kind": "TrainingJob",
            "name": "llm",
            "uid": job()["metadata"]["uid"],
            "controller": True,
        }
    ]


def test_the_hash_of_a_pod_does_not_change_with_a_release() -> None:
    """Were it to change, an upgrade of Powertrain would restart every job and every replica."""
    mark = "powertrain.dev/spec-hash"
    assert worker(job())["metadata"]["annotations"] == {mark: "abc36f71a3-d5283bf801"}
    assert replica(service())["metadata"]["annotations"] == {mark: "3db1c88cf5-52309d9fae"}


def test_vllm_is_told_model_parallelism_and_port_and_the_authors_arguments_last() -> None:
    manifest = service(
        model={"name": "qwen", "uri": "/models/qwen"},
        parallelism={"tensor": 4},
        devices=("l4", 4),
        args=["--max-model-len=8192"],
        port=9000,
    )
    container = replica(manifest)["spec"]["containers"][0]
    assert container["command"] == ["vllm", "serve"]
    assert container["args"] == [
        "/models/qwen",
        "--served-model-name=qwen",
        "--tensor-parallel-size=4",
        "--pipeline-parallel-size=1",
        "--port=9000",
        "--max-model-len=8192",
    ]
    assert container["ports"] == [{"name": "http", "containerPort": 9000}]
    assert env({"spec": {"containers": [container]}})["VLLM_HOST_IP"] == {
        "fieldRef": {"fieldPath": "status.podIP"}
    }


def test_the_pods_of_one_vllm_replica_find_each_other_without_ray() -> None:
    manifest = service(
        devices=("h100-sxm", 8), parallelism={"tensor": 8, "pipeline": 2, "nodes": 2}, replicas=1
    )
    leader, follower = (replica(manifest, node) for node in (0, 1))
    assert [pod["metadata"]["name"] for pod in (leader, follower)] == ["chat-0-0", "chat-0-1"]
    arguments = follower["spec"]["containers"][0]["args"]
    for argument in ("--nnodes=2", "--node-rank=1", "--master-addr=chat-0-0.chat-nodes", "--headless"):
        assert argument in arguments
    assert "--headless" not in leader["spec"]["containers"][0]["args"]
    assert "readinessProbe" in leader["spec"]["containers"][0]
    assert "readinessProbe" not in follower["spec"]["containers"][0], "it serves no HTTP"
    assert leader["spec"]["restartPolicy"] == "Never", "a container that came back alone would find no peers"


def test_what_a_vllm_template_leaves_out_is_filled_in_and_what_it_says_stays() -> None:
    probe = {"httpGet": {"path": "/health", "port": 8000}, "failureThreshold": 360}
    template = {"spec": {"containers": [{"name": "engine", "startupProbe": probe, "args": ["--seed=1"]}]}}
    pod = replica(service(template=template))
    container = pod["spec"]["containers"][0]
    assert (container["name"], container["startupProbe"]) == ("engine", probe)
    assert container["image"].startswith("vllm/vllm-openai:")
    assert container["args"][-1] == "--seed=1"
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 15}}}
    assert (pod["spec"]["terminationGracePeriodSeconds"], pod["spec"]["enableServiceLinks"]) == (60, False)


def test_ascend_devices_get_the_ascend_image() -> None:
    assert "ascend" in replica(service(devices=("ascend-910b", 1)))["spec"]["containers"][0]["image"]


def test_a_custom_engine_is_left_as_its_template_says() -> None:
    container = {"name": "tgi", "image": "tgi:3", "readinessProbe": {"tcpSocket": {"port": 80}}}
    manifest = service(engine="custom", template={"spec": {"containers": [container]}})
    found = replica(manifest)["spec"]["containers"][0]
    assert {field: found[field] for field in container} == container
    assert "command" not in found and "args" not in found
