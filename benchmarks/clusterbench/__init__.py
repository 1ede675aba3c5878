"""Powertrain, kube-scheduler and a plain binding client on the same pods, one after another.

A *row* is a workload, a *system* is who binds its pods, a *run* is one system at one row on a
control plane of its own. Everything listens on loopback and is stopped by process id.

What each module is for:

* `workloads`  the rows: nodes, what is submitted and in which order; manifests
* `systems`    how each system is started and under which name pods ask for it
* `submit`     the process that creates the pods, with bounded concurrency
* `raw`        the process that binds each pod to a node known beforehand: the API server's own rate
* `watching`   an independent watch: when was each pod bound, running, gone
* `usage`      CPU seconds and peak memory of a process, writes the API server counted
* `measure`    one run from an empty cluster to a `Result`
* `report`     results as a table, as JSON, and the ratios between systems
"""
