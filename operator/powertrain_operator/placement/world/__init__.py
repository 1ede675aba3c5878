"""Manifests in, a cluster to decide on out: what `powertrain plan` works with.

Objects from files or from a live API server go through the same translation and the same cache as
watch events do in the running process, so that the answer is the running process's answer.
"""
