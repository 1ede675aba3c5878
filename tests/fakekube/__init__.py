"""A fake API server for tests: lists, watches, writes and faults on demand, in the test's own loop.

    async with FakeKube.start() as kube:
        kube.put({"kind": "Pod", "metadata": {"name": "a", "namespace": "ns"}, "spec": {...}})
        async with Client.connect(kube.kubeconfig(tmp_path)) as client:
            kube.faults.fail("bind", PODS, status=409, reason="Conflict")
            ...
        assert kube.count("bind") == 1

Any kind is served by its path alone; `put` knows the kinds of `kube.resources`.
`FakeTime` stands in for clocks and sleeps.
"""

from fakekube.faults import Fault, Faults, Gate
from fakekube.http import Call
from fakekube.kube import FakeKube
from fakekube.objects import Json
from fakekube.time import FakeTime

__all__ = ["Call", "FakeKube", "FakeTime", "Fault", "Faults", "Gate", "Json"]
