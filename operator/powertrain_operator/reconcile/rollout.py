"""Which replicas there should be, and which of them it is time to replace."""

from collections.abc import Sequence

from powertrain_operator.reconcile.replica import Replica


def surplus(replicas: Sequence[Replica], wanted: int) -> tuple[Replica, ...]:
    """Replicas to remove: those that are not ready before those that are, the highest index first."""
    by_worth = sorted(replicas, key=lambda each: (each.is_ready, -each.index))
    return tuple(by_worth[: max(len(replicas) - wanted, 0)])


def new_indices(replicas: Sequence[Replica], taken: frozenset[int], wanted: int) -> tuple[int, ...]:
    """Indices for replicas that are missing: the lowest ones that nothing holds.

    `replicas` are all that are seen, those on their way out included; `taken` are names that belong
    to somebody else.
    """
    held = {each.index for each in replicas} | taken
    missing = wanted - sum(each.lives for each in replicas)
    free = (index for index in range(wanted + len(held) + 1) if index not in held)
    return tuple(index for index, _ in zip(free, range(missing), strict=False))


def to_replace(
    replicas: Sequence[Replica], template: str, *, wanted: int, max_unavailable: int
) -> frozenset[int]:
    """Indices of outdated replicas whose turn it is.

    Those that serve nobody go at once; those that do go from the highest index down, as long as
    no more than `max_unavailable` of the wanted replicas are not ready.
    """
    outdated = [each for each in replicas if not each.is_made_from(template)]
    idle = [each.index for each in outdated if not each.is_ready]
    serving = sorted((each.index for each in outdated if each.is_ready), reverse=True)
    ready = sum(each.is_ready for each in replicas)
    spare = max(max_unavailable - (wanted - ready), 0)
    return frozenset([*idle, *serving[:spare]])
