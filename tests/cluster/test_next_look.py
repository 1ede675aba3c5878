"""Nobody waits for an unrelated event, and no new leader for pods that have ended."""

from collections.abc import Callable
from pathlib import Path

from crashkit.faultproxy import until
from crashkit.world import FLEET, World, all_ended, create, job, nothing_left, pool_and_queue, world
from localcluster import Cluster


async def runs(world: World, name: str, seconds: float) -> None:
    await until(lambda: world.phases().get(name) == "Running", seconds, f"{name} runs")


async def test_a_job_preempts_what_the_same_cycle_has_just_placed(
    cluster: Cluster, namespace: str, fleet: Callable[..., list[str]], tmp_path: Path
) -> None:
    fleet(FLEET)
    pool_and_queue(cluster)
    async with world(cluster, namespace, tmp_path) as running:
        for number in range(3):
            first, *later = (f"{name}-{number}" for name in ("low", "middle", "other", "high"))
            create(cluster, namespace, job(first, 4, 600))
            await runs(running, first, 30)
            for name, workers, priority in zip(later, (2, 2, 3), (1, 1, 2), strict=True):
                create(cluster, namespace, job(name, workers, 600, priority))
            await runs(running, later[-1], 20)
            await nothing_left(running)


async def test_a_new_leader_does_not_wait_for_pods_that_have_ended(
    cluster: Cluster, namespace: str, fleet: Callable[..., list[str]], tmp_path: Path
) -> None:
    fleet(FLEET)
    pool_and_queue(cluster)
    async with world(cluster, namespace, tmp_path) as running:
        create(cluster, namespace, job("done", 2, 1))
        await until(lambda: all_ended(running, ["done"]), 30, "a job has ended and its pods are there")
        await running.scheduler.kill_and_wait()
        create(cluster, namespace, job("fresh", 2, 1))
        await until(lambda: all_ended(running, ["fresh"]), 60, "the next job ran too")
        assert "does not show" not in running.scheduler.log.read_text()
