"""Powertrain's placement core: `decide(snapshot, policy, now) -> Plan`.

Only decides. It knows nothing of Kubernetes, clocks, files or logs: time comes in as a
number, the world as a frozen `Snapshot`, and what to do leaves as a `Plan`.
"""
