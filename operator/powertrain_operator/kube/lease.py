"""Leader election on a coordination.k8s.io Lease: at most one holder acts.

The rules are client-go's. Another's lease counts as valid for its own duration since *we saw it last
change*, by our monotonic clock: wall clocks are never compared, so they may differ. We ourselves lead
only within `renew_deadline` of the moment at which the last successful renewal was *sent*. As
`lease_seconds` is longer than that, a holder that is cut off stops before another can start:

    renewal sent ──────── renew_deadline: is_leader() turns False
                 └─────────────────── lease_seconds: another may take over
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NoReturn

from powertrain_operator.api.cluster import Lease
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.errors import ApiError, Conflict, NotFound
from powertrain_operator.kube.resources import LEASES
from powertrain_operator.kube.retry import REAL, Waiting

_log = logging.getLogger(__name__)

RELEASE_SECONDS = 5.0
"""Longest that a clean stop waits for the release to be written."""


def wall_clock() -> datetime:
    return datetime.now(UTC)


def micro_time(moment: datetime) -> str:
    """The API's MicroTime, which needs all six digits."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class LeaderElection:
    """One candidate. Check `is_leader()` before each write; wait on `leading` and `lost` for changes.

    Stop what writes before `run()` is cancelled: its end releases the lease to the next candidate.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        identity: str,
        *,
        lease_seconds: int = 15,
        renew_deadline: float = 10.0,
        retry_seconds: float = 2.0,
        waiting: Waiting = REAL,
        now: Callable[[], datetime] = wall_clock,
    ) -> None:
        if not 0 < retry_seconds < renew_deadline < lease_seconds:
            raise ValueError("needed: 0 < retry_seconds < renew_deadline < lease_seconds")
        self.leading = asyncio.Event()
        """Set while we lead."""
        self.lost = asyncio.Event()
        """Set from the loss of leadership until it is won again."""
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._lease_seconds = lease_seconds
        self._renew_deadline = renew_deadline
        self._retry_seconds = retry_seconds
        self._waiting = waiting
        self._now = now
        self._seen: Lease | None = None
        self._seen_at = 0.0
        self._renewed_at: float | None = None
        self._failure: str | None = None

    def is_leader(self) -> bool:
        """Whether we may still act, at this very moment."""
        renewed_at = self._renewed_at
        return renewed_at is not None and self._waiting.clock() - renewed_at < self._renew_deadline

    async def run(self) -> NoReturn:
        """Stand as a candidate until cancelled, then release the lease if we hold it."""
        try:
            while True:
                await self._round()
                await self._waiting.sleep(self._retry_seconds * (1 + 0.2 * self._waiting.random()))
        finally:
            self._step_down()
            await self._release()

    async def _round(self) -> None:
        """Try once to acquire or renew, and draw the consequences."""
        failure = await self._try()
        if self.is_leader():
            if not self.leading.is_set():
                _log.info("%s: leading as %s", self._where, self._identity)
                self.leading.set()
                self.lost.clear()
        elif self.leading.is_set():
            _log.warning("%s: no longer leading: %s", self._where, failure or "another one holds it")
            self._step_down()
            self.lost.set()
        elif failure and failure != self._failure:
            _log.warning("%s: %s", self._where, failure)
        self._failure = failure

    @property
    def _where(self) -> str:
        return f"lease {self._namespace}/{self._name}"

    def _step_down(self) -> None:
        self._renewed_at = None
        self.leading.clear()

    async def _try(self) -> str | None:
        """One attempt, no longer than our leadership lasts; what went wrong, if something did."""
        try:
            async with asyncio.timeout(self._patience()):
                await self._acquire_or_renew()
        except (ApiError, TimeoutError) as failure:
            return str(failure) or "the API server did not answer in time"
        return None

    def _patience(self) -> float:
        if self._renewed_at is None:
            return self._renew_deadline
        return max(0.0, self._renewed_at + self._renew_deadline - self._waiting.clock())

    async def _acquire_or_renew(self) -> None:
        """Renew unread what we hold; otherwise read, and write if it is free, ours or expired."""
        if not (self.is_leader() and self._seen):
            await self._look()
        try:
            await self._claim()
        except (Conflict, NotFound):  # another wrote or deleted it since we looked
            await self._look()
            await self._claim()

    async def _claim(self) -> None:
        if self._held_by_another():
            self._renewed_at = None
            return
        sent_at = self._waiting.clock()
        self._notice(await self._write(self._ours()))
        self._renewed_at = sent_at

    async def _look(self) -> None:
        try:
            self._notice(await self._client.get(LEASES, self._namespace, self._name, Lease))
        except NotFound:
            self._seen = None

    def _notice(self, lease: Lease) -> None:
        """Remember the lease, and since when it has been as it is."""
        if self._seen is None or self._seen.spec != lease.spec:
            self._seen_at = self._waiting.clock()
        self._seen = lease

    def _held_by_another(self) -> bool:
        spec = self._seen.spec if self._seen else None
        if spec is None or spec.holder_identity in ("", self._identity):
            return False
        return self._waiting.clock() < self._seen_at + spec.lease_duration_seconds

    def _ours(self) -> dict[str, Any]:
        """The spec that makes the lease ours, or keeps it so."""
        now = self._now()
        old = self._seen.spec if self._seen else None
        kept = old is not None and old.holder_identity == self._identity and old.acquire_time
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": self._lease_seconds,
            "acquireTime": micro_time(kept or now),
            "renewTime": micro_time(now),
            "leaseTransitions": 0 if old is None else old.lease_transitions + (0 if kept else 1),
        }

    async def _write(self, spec: dict[str, Any]) -> Lease:
        """Create the lease, or update it if it is still the one we saw. Raises Conflict if not."""
        metadata: dict[str, Any] = {"name": self._name, "namespace": self._namespace}
        lease = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": spec}
        if self._seen is None:
            return await self._client.create(LEASES, lease, type=Lease)
        seen = self._seen.metadata
        metadata |= {"resourceVersion": seen.resource_version, "uid": seen.uid}
        metadata |= {"labels": seen.labels, "annotations": seen.annotations}
        return await self._client.replace(LEASES, lease, type=Lease)

    async def _release(self) -> None:
        """Free the lease so that the next candidate need not wait for it to expire."""
        if self._seen is None or self._seen.spec.holder_identity != self._identity:
            return
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._look()  # a renewal may have been under way when we were cancelled
                if self._seen and self._seen.spec.holder_identity == self._identity:
                    await self._write(self._ours() | {"holderIdentity": "", "leaseDurationSeconds": 1})
        except (ApiError, TimeoutError) as failure:
            _log.warning("%s was not released, it will expire: %s", self._where, failure)
        self._seen = None
