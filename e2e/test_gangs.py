"""As somebody who trains, I get all my workers or none, am told why I wait, and never wait for a half-placed peer."""

from storykit.tenant import Tenant, training_job

WHOLE_FLEET = 2
"""Nodes with eight H100 each."""


def bound(tenant: Tenant, job: str) -> int:
    """Workers that hold a node."""
    return sum(1 for pod in tenant.pods_of(job) if pod["spec"].get("nodeName"))


def test_a_gang_that_does_not_fit_waits_whole_and_starts_when_there_is_room(tenant: Tenant) -> None:
    tenant.apply(training_job("first", tenant.image, WHOLE_FLEET, devices=8, env={"STEPS": 1000, "PAUSE": 1}))
    tenant.until("the first job runs", lambda: tenant.phase("ptj", "first") == "Running")
    tenant.apply(training_job("second", tenant.image, WHOLE_FLEET, devices=8))
    status = tenant.until("it says why it waits", lambda: _waiting(tenant, "second"))
    assert status["reason"] == "DoesNotFit"
    assert "2 x 8 nvidia.com/gpu" in status["message"]
    assert bound(tenant, "second") == 0
    tenant.delete("ptj", "first")
    tenant.until("the second job succeeds", lambda: tenant.phase("ptj", "second") == "Succeeded")


def _waiting(tenant: Tenant, job: str) -> dict[str, str]:
    status = tenant.status("ptj", job)
    return status if status.get("phase") == "Queued" and status.get("reason") == "DoesNotFit" else {}


def test_two_gangs_never_hold_half_of_what_they_need(tenant: Tenant) -> None:
    """Each needs the whole fleet; pod by pod each would get half and wait for ever."""
    names = ("left", "right")
    tenant.apply(*(training_job(name, tenant.image, WHOLE_FLEET, devices=8) for name in names))
    seen = set()

    def both_done() -> bool:
        seen.add(tuple(bound(tenant, name) for name in names))
        return all(tenant.phase("ptj", name) == "Succeeded" for name in names)

    tenant.until("both jobs succeed, one after the other", both_done, 180.0)
    half = {state for state in seen if 0 < state[0] < WHOLE_FLEET and 0 < state[1] < WHOLE_FLEET}
    assert not half
