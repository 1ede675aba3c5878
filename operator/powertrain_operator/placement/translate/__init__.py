"""Kubernetes' objects and ours as the core's values.

The one place that knows what a pod's or node's fields mean for placement, as kube-scheduler reads
them. Used by the running process and by `powertrain plan` alike. No client, no clock, no state.
"""
