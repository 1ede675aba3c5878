"""The energy ledger: watts over time, added up to joules for each pool.

Between two readings the earlier watts hold. Time in which nobody kept the ledger (no leader) is not
counted: nobody knows what was drawn. The account itself lives in the pools' status; it is read
back when a leader starts, so the figure only grows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Account:
    """One pool's energy."""

    JOULES_PER_KWH: ClassVar[float] = 3.6e6

    watts: float = 0.0
    """What it draws now."""
    joules: float = 0.0
    """What it has used since it was made, as far as the ledger reaches."""


class Ledger:
    """Accounts by pool name."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.accounts: dict[str, Account] = {}
        self._monotonic = monotonic
        self._at = monotonic()

    def read(self, watts: Mapping[str, float], on_record: Mapping[str, float]) -> None:
        """Charge the time since the last reading with the watts of then, and note those of now.

        A pool that this ledger does not know yet begins with the kilowatt hours `on_record`. Pools
        that are gone leave the ledger; their objects took the account with them.
        """
        now = self._monotonic()
        passed, self._at = now - self._at, now
        before = self.accounts
        self.accounts = {
            pool: Account(
                drawn,
                _charged(before[pool], passed)
                if pool in before
                else on_record.get(pool, 0.0) * Account.JOULES_PER_KWH,
            )
            for pool, drawn in watts.items()
        }


def _charged(account: Account, seconds: float) -> float:
    return account.joules + account.watts * seconds
