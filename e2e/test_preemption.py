"""As somebody whose work is urgent, I get room from what matters less, which is told and comes back by itself."""

import subprocess

from storykit.tenant import Tenant, training_job


def test_urgent_work_takes_the_place_of_less_important_work(tenant: Tenant) -> None:
    tenant.apply(training_job("patient", tenant.image, 2, devices=8, env={"STEPS": 1000, "PAUSE": 1}))
    tenant.until("the patient job runs", lambda: tenant.phase("ptj", "patient") == "Running")
    before = {pod["metadata"]["uid"] for pod in tenant.pods_of("patient")}
    with _following(tenant, "patient-worker-0") as log:
        tenant.apply(training_job("urgent", tenant.image, 2, devices=8, priority=10, env={"PAUSE": 0.5}))
        tenant.until("the urgent job runs", lambda: tenant.phase("ptj", "urgent") == "Running")
        told = log.communicate(timeout=30)[0]
    assert "told to leave, saving" in told and "saved" in told  # it had its grace
    status = tenant.status("ptj", "patient")
    assert status["phase"] == "Queued"
    assert not any(pod["spec"].get("nodeName") for pod in tenant.pods_of("patient"))  # it went whole
    tenant.until("the urgent job succeeds", lambda: tenant.phase("ptj", "urgent") == "Succeeded")
    tenant.until("the patient job runs again", lambda: tenant.phase("ptj", "patient") == "Running")
    after = {pod["metadata"]["uid"] for pod in tenant.pods_of("patient")}
    assert not before & after
    assert tenant.status("ptj", "patient")["restarts"] == 0  # an eviction is not its own failure


def _following(tenant: Tenant, pod: str) -> "subprocess.Popen[str]":
    """`kubectl logs --follow`, which ends with the container."""
    command = tenant.cluster.kubectl_command(f"--namespace={tenant.namespace}", "logs", "--follow", pod)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
