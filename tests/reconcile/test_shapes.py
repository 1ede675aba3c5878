"""A job that would run in several shapes: what its pods are made for, and when they are made anew."""

import copy
from typing import Any

from powertrain_operator.reconcile import Outcome, reconcile_training_job
from reconcile.building import POOLS, bound, fleet, job, seen_job

Json = dict[str, Any]
SHAPES = [
    {"accelerator": "h100-sxm", "perWorker": 8},
    {"accelerator": "ascend-910b", "perWorker": 4, "workers": 4, "speed": 0.5},
]


def choosy(**more: Any) -> Json:
    manifest = job(workers=2, devices=None, **more)
    manifest["spec"]["devices"] = SHAPES
    return manifest


def look(manifest: Json, *children: Json, **around: Any) -> Outcome:
    return reconcile_training_job(seen_job(manifest, *children, **around))


def made(outcome: Outcome, chosen: str = "", attempt_of: Outcome | None = None) -> list[Json]:
    """The children of an outcome as the API server would show them, with what placement chose."""
    children = [copy.deepcopy(dict(each)) for each in (*outcome.apply, *outcome.create)]
    for number, each in enumerate(children):
        each["metadata"]["uid"] = f"child-{number}"
        if each["kind"] == "PodGroup" and chosen:
            each["status"] = {"shape": chosen, "reason": "ChangingShape", "phase": "Pending"}
        if each["kind"] == "Pod":
            each["status"] = {"phase": "Pending"}
    return children


def group_of(outcome: Outcome) -> Json:
    return next(dict(each) for each in outcome.apply if each["kind"] == "PodGroup")


def environment(pod: Any) -> dict[str, str]:
    return {each["name"]: each["value"] for each in pod["spec"]["containers"][0]["env"]}


def told(manifest: Json, outcome: Outcome) -> Json:
    return manifest | {"status": dict(outcome.status)} if outcome.status else manifest


def test_placement_is_told_of_every_shape_with_the_pods_it_would_have() -> None:
    spec = group_of(look(choosy()))["spec"]
    assert [(each["name"], each["minMember"], each["speed"]) for each in spec["shapes"]] == [
        ("h100-sxm", 2, 1.0),
        ("ascend-910b", 4, 0.5),
    ]
    first, second = (each["podSpec"] for each in spec["shapes"])
    assert first["containers"] == [
        {
            "name": "train",
            "resources": {"limits": {"nvidia.com/gpu": "8"}, "requests": {"nvidia.com/gpu": "8"}},
        }
    ]
    assert second["containers"][0]["resources"]["limits"] == {"huawei.com/Ascend910": "4"}
    terms = second["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert terms["nodeSelectorTerms"][0]["matchExpressions"][0]["values"] == ["ascend-910b"]
    assert spec["minMember"] == 2


def test_a_job_of_one_shape_tells_of_none() -> None:
    assert "shapes" not in group_of(look(job()))["spec"]
    assert "objective" not in group_of(look(job()))["spec"]
    assert group_of(look(choosy(objective="energy")))["spec"]["objective"] == "energy"


def test_the_workers_are_those_of_the_first_shape_until_another_is_chosen() -> None:
    outcome = look(choosy())
    assert [each["metadata"]["labels"]["powertrain.dev/shape"] for each in outcome.create] == ["h100-sxm"] * 2
    assert environment(outcome.create[0])["PET_NNODES"] == "2"


def test_waiting_pods_are_made_anew_for_the_chosen_shape() -> None:
    manifest = choosy()
    first = look(manifest)
    manifest = told(manifest, first)
    children = made(first, chosen="ascend-910b")
    anew = look(manifest, *children)
    assert anew.status is not None and not anew.create
    assert (anew.status["attempt"], anew.status["reason"]) == (1, "ShapeChosen")
    assert anew.status["message"] == "shape ascend-910b was chosen; the waiting pods are made anew for it"
    manifest = told(manifest, anew)
    removal = look(manifest, *children)
    assert len(removal.delete) == 2
    rest = [each for each in children if each["kind"] != "Pod"]
    second = look(manifest, *rest)
    assert len(second.create) == 4
    assert environment(second.create[3])["PET_NNODES"] == "4"
    assert environment(second.create[3])["PET_NPROC_PER_NODE"] == "4"
    assert environment(second.create[3])["POWERTRAIN_WORLD_SIZE"] == "4"
    assert group_of(second)["spec"]["minMember"] == 4
    assert second.status is None or second.status["shape"] == "ascend-910b"


def test_pods_that_hold_nodes_are_never_made_anew_for_a_shape() -> None:
    manifest = choosy()
    first = look(manifest)
    manifest = told(manifest, first)
    children = [
        bound(each, "node-0") if each["kind"] == "Pod" else each for each in made(first, chosen="ascend-910b")
    ]
    outcome = look(manifest, *children)
    assert not outcome.delete and not outcome.create
    assert outcome.status is not None
    assert (outcome.status["attempt"], outcome.status["shape"]) == (0, "h100-sxm")


def test_a_shape_that_no_pool_offers_is_no_choice() -> None:
    pools = [pool for pool in POOLS if pool.spec.accelerator != "h100-sxm"]
    outcome = look(choosy(), fleet=fleet(*pools))
    assert [each["name"] for each in group_of(outcome)["spec"]["shapes"]] == ["ascend-910b"]
    assert len(outcome.create) == 4


def test_a_job_none_of_whose_shapes_is_offered_says_so() -> None:
    outcome = look(choosy(), fleet=fleet(POOLS[2]))
    assert outcome.status is not None
    assert (outcome.status["phase"], outcome.status["reason"]) == ("Invalid", "AcceleratorNotFound")
