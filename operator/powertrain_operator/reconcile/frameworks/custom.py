"""Anything else: Powertrain's own variables say all there is to say."""

from powertrain_operator.reconcile.frameworks.launch import Launch


def variables(launch: Launch, rank: int) -> dict[str, str]:
    """None beyond the common ones."""
    return {}
