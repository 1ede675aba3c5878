"""The live cluster as a world: one list of each kind, and not one write."""

from powertrain_operator.api.cluster import PodGroupView
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.errors import ApiError
from powertrain_operator.kube.resources import ACCELERATORPOOLS, NAMESPACES, NODES, PODGROUPS, PODS, QUEUES

from .. import names
from ..cache import Cache
from ..translate import views
from ..watches import CLAIMS, STORAGE_CLASSES, VOLUMES
from .build import World


async def read(client: Client) -> World:
    """Everything placement follows, as of now. Raises ApiError."""
    world = World(Cache())
    cache = world.cache
    for pool in await client.list(ACCELERATORPOOLS, type=views.AcceleratorPool):
        cache.on_pool(pool.metadata.name, None, pool)
    for queue in await client.list(QUEUES, type=views.Queue):
        cache.on_queue(queue.metadata.name, None, queue)
    for node in await client.list(NODES, type=views.Node):
        cache.on_node(node.metadata.name, None, node)
    for group in await client.list(PODGROUPS, type=PodGroupView):
        cache.on_group(names.key(group.metadata.namespace, group.metadata.name), None, group)
    for pod in await client.list(PODS, type=views.Pod):
        cache.on_pod(names.key(pod.metadata.namespace, pod.metadata.name), None, pod)
    if cache.claims.wanted:
        await _read_claims(client, world)
    if cache.neighbours.namespaces_wanted:
        await _read_namespaces(client, world)
    return world


async def _read_namespaces(client: Client, world: World) -> None:
    """Which namespaces the rules about other pods reach."""
    try:
        for namespace in await client.list(NAMESPACES, type=views.Namespace):
            world.cache.on_namespace(namespace.metadata.name, None, namespace)
    except ApiError as failure:
        world.notes.append(f"namespaces could not be read: {failure}")
        return
    world.cache.namespaces_read()


async def _read_claims(client: Client, world: World) -> None:
    """What pods mount; somebody who may not read it is told that, and gets the rest of the plan."""
    cache = world.cache
    try:
        for claim in await client.list(CLAIMS, type=views.PersistentVolumeClaim):
            cache.on_claim(names.key(claim.metadata.namespace, claim.metadata.name), None, claim)
        for volume in await client.list(VOLUMES, type=views.PersistentVolume):
            cache.on_volume(volume.metadata.name, None, volume)
        for each in await client.list(STORAGE_CLASSES, type=views.StorageClass):
            cache.on_storage_class(each.metadata.name, None, each)
    except ApiError as failure:
        world.notes.append(f"volume claims could not be read: {failure}")
        return
    cache.claims_read()
