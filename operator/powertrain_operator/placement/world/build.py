"""Given objects, put into a cache as a watch would: a world that `decide` can be asked about."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from powertrain_operator import api
from powertrain_operator.kube.resources import NAMESPACES
from powertrain_operator.reconcile import Fleet

from ..cache import Cache
from ..watches import CLAIMS, STORAGE_CLASSES, VOLUMES
from . import expand, objects
from .complaints import BadInput, Complaint
from .expand import Refused
from .files import Given
from .objects import Read


@dataclass(slots=True)
class World:
    """A cluster that exists only here."""

    cache: Cache
    notes: list[str] = field(default_factory=list)
    """Sentences about input that was not used, or not as one might think."""
    refused: list[Refused] = field(default_factory=list)
    """TrainingJobs and InferenceServices that the operator would call Invalid."""


def build(given: Iterable[Given], now: float) -> World:
    """The world of these objects. Raises BadInput with everything that is wrong with any of them."""
    given = list(given)
    used = [each for each in given if objects.is_known(each)]
    read = _read(used, now)
    world = World(Cache(), notes=_ignored(given))
    world.cache.claims.watched = world.cache.neighbours.namespaces_watched = True
    put(world.cache, read)
    _expand(world, read, now)
    world.notes += _about_pods(world.cache)
    return world


def put(cache: Cache, read: Iterable[Read]) -> None:
    """Tell the cache of the objects as reflectors would."""
    tell: Mapping[str, Callable[[str, None, Any], None]] = {
        "Node": cache.on_node,
        "Pod": cache.on_pod,
        "PodGroup": cache.on_group,
        "Queue": cache.on_queue,
        "AcceleratorPool": cache.on_pool,
        CLAIMS.kind: cache.on_claim,
        VOLUMES.kind: cache.on_volume,
        STORAGE_CLASSES.kind: cache.on_storage_class,
        NAMESPACES.kind: cache.on_namespace,
    }
    for each in read:
        if each.struct is not None:
            tell[each.identity.kind](each.identity.key, None, each.struct)


def _read(given: Sequence[Given], now: float) -> list[Read]:
    read: list[Read] = []
    complaints: list[Complaint] = []
    first: dict[tuple[str, ...], str] = {}
    for number, each in enumerate(given):
        result = objects.read(each, number, now)
        if isinstance(result, list):
            complaints += result
            continue
        before = first.setdefault(result.identity, result.place)
        if before is not result.place:
            what = str(result.identity)
            complaints.append(Complaint(result.place, what, "", f"is given twice; the first is in {before}"))
        read.append(result)
    if complaints:
        raise BadInput(complaints)
    return read


def _expand(world: World, read: Sequence[Read], now: float) -> None:
    """Have the operator's reconcilers make the pods of jobs and services that were given."""
    models = [each.model for each in read if each.model is not None]
    pools = sorted(
        (each for each in models if isinstance(each, api.AcceleratorPool)), key=lambda pool: pool.name
    )
    usable = tuple(pool for pool in pools if pool.name not in world.cache.pool_troubles)
    fleet = Fleet(pools=usable, queues=frozenset(world.cache.queues))
    existing = [each.manifest for each in read]
    for owner in models:
        if isinstance(owner, api.TrainingJob | api.InferenceService):
            near = [each for each in existing if each["metadata"].get("namespace") == owner.namespace]
            made = expand.children(owner, near, fleet, now)
            if made.refused is not None:
                world.refused.append(made.refused)
            _put_made(world.cache, made.manifests, owner, now)


def _put_made(cache: Cache, manifests: Iterable[Any], owner: api.AnyObject, now: float) -> None:
    """Children are as old as their owner, so that the order of owners is the order of groups."""
    created = owner.metadata.creation_timestamp
    for manifest in manifests:
        metadata = {"creationTimestamp": created, **manifest["metadata"]}
        given = Given(objects.NOWHERE, {**manifest, "metadata": metadata})
        result = objects.read(given, 0, now)
        if isinstance(result, list):
            raise BadInput(result)
        put(cache, [result])


def _ignored(given: Iterable[Given]) -> list[str]:
    counts = Counter(each.kind or "objects without a kind" for each in given if not objects.is_known(each))
    if not counts:
        return []
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    return [f"ignored, as placement does not depend on them: {kinds}"]


def _about_pods(cache: Cache) -> list[str]:
    cache.snapshot()
    notes = []
    for key in sorted(cache.nodes.strangers):
        pod = cache.pods[key]
        notes.append(f"pod {key} is on node {pod.node}, which is not among the input; it takes room nowhere")
    return notes
