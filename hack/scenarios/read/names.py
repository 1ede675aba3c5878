"""Names of a case: each is given once, and is that of something."""

from scenarios.case import Case, Job
from scenarios.read.fields import BadField


def check(case: Case) -> None:
    """Raises BadField where a name is given twice, or is that of nothing."""
    for what, names in (
        ("nodes", [node.name for node in case.nodes]),
        ("queues", [queue.name for queue in case.queues]),
        ("jobs", [job.name for job in case.jobs]),
    ):
        for name in names:
            if names.count(name) > 1:
                raise BadField(what, f"{name} is there {names.count(name)} times")
    for queue in case.queues:
        _known(f"queue {queue.name}: parent", queue.parent, [each.name for each in case.queues])
    for job in case.jobs:
        _names_of(job, case)


def _names_of(job: Job, case: Case) -> None:
    where, parts = f"job {job.name}", [part.name for part in job.parts]
    _known(f"{where}: queue", job.queue, [queue.name for queue in case.queues])
    for pods in job.pods:
        _known(f"{where}: on", pods.on, [node.name for node in case.nodes])
    for part in job.parts:
        _known(f"{where}: parent of {part.name}", part.parent or None, parts)
    for topology in (job.topology, *(part.topology for part in job.parts)):
        keys = [topology.required, topology.preferred, *(each.within for each in topology.slices)]
        for key in keys:
            _known(f"{where}: topology", key, list(case.levels))


def _known(where: str, name: str | None, names: list[str]) -> None:
    if name is not None and name not in names:
        raise BadField(where, f"{name} is none of {', '.join(names) or 'these: there are none'}")
