"""What one attempt of a gang has in common, as far as its launch goes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Launch:
    """One start of a whole gang."""

    job: str
    workers: int
    """Number of pods."""
    devices_per_worker: int
    """0 for work on CPUs."""
    coordinator: str
    """DNS name of worker 0, which resolves before that worker is ready."""
    attempt: int

    @property
    def processes_per_worker(self) -> int:
        """One for each device; one in all where there are none."""
        return max(self.devices_per_worker, 1)

    @property
    def processes(self) -> int:
        return self.workers * self.processes_per_worker
