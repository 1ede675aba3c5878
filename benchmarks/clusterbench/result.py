"""What one run gave, as a value that goes to the table and to JSON."""

import msgspec


class Cost(msgspec.Struct, frozen=True):
    """One process: CPU seconds (user and system) and the largest resident set in MiB."""

    cpu_seconds: float
    peak_mib: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One system at one row. Durations are in seconds; None where the row doesn't ask for it."""

    row: str
    system: str
    run: int
    scale: float
    pods: int
    """Pods that were to get a node."""
    bound: int
    """Of these, how many did."""
    seconds: float | None = None
    """From the first submission (1b: from the start of the system's process) to the last binding."""
    first_to_last: float | None = None
    """From the first binding to the last."""
    after_last_creation: float | None = None
    """From the last creation to the last binding; not where the system starts after the creations."""
    told_after: float | None = None
    """Row 4: from the gang's last creation until it was told why it waits, or one of its pods was."""
    told_reason: str = ""
    """Row 4: the reason that was told; empty where the system knows no reasons."""
    small_waited: float | None = None
    """Row 4: from the small pod's creation to its binding."""
    misfit_bound: int | None = None
    """Row 4: pods of the gang that cannot fit that were bound all the same."""
    evicted: int | None = None
    """Row 5: pods that had to go."""
    costs: dict[str, Cost] = {}
    """By process; the system's own is called `system` and counts from its start."""
    writes: dict[str, int] = {}
    """Write requests by `VERB resource[/sub]`, less the submitted objects' creations."""
    writes_per_pod: float | None = None
    """All of these by pods submitted and evicted; the fake kubelet's and all leases are in it."""
    problem: str = ""
    """Why the figures are missing or must not be used; empty when the run is sound."""

    @property
    def rate(self) -> float | None:
        """Pods a second."""
        return self.pods / self.seconds if self.seconds else None
