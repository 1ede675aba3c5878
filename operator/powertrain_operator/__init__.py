"""Powertrain's operator half: everything that touches the cluster.

Rooms, outermost first: `cli` starts processes; `controller` (TrainingJobs and InferenceServices
into pods) and `placement` (pods onto nodes) run them; `reconcile`, `energy`, `kube` and
`telemetry` serve those two; `api` holds the shapes of our objects and knows none of the others.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("powertrain")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0.0.0+uninstalled"
