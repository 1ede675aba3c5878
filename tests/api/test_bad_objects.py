"""The table of bad objects against the models, without a cluster."""

import pytest
from api import bad_objects
from api.bad_objects import Bad, BadUpdate, TurnsInvalid
from powertrain_operator.api import InvalidObject, check_update, parse


def _id(case: Bad | BadUpdate | TurnsInvalid) -> str:
    return case.id


def test_the_table_has_at_least_sixty_cases_each_with_its_own_sentence() -> None:
    ids = [case.id for case in bad_objects.REFUSED]
    assert len(ids) >= 60
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("kind", ["AcceleratorPool", "Queue", "TrainingJob", "InferenceService", "PodGroup"])
def test_the_object_that_is_made_bad_is_good_before(kind: str) -> None:
    assert parse(bad_objects.good(kind)).name == "good"


@pytest.mark.parametrize("case", bad_objects.REFUSED, ids=_id)
def test_a_bad_object_is_refused_with_its_field_and_one_sentence(case: Bad) -> None:
    with pytest.raises(InvalidObject) as refusal:
        parse(case.manifest())
    assert refusal.value.kind == case.kind
    assert [path for path, _ in refusal.value.errors] == [case.field]
    assert case.says in refusal.value.errors[0][1]


@pytest.mark.parametrize("case", bad_objects.REFUSED_UPDATES, ids=_id)
def test_a_forbidden_change_is_refused_with_its_field_and_the_fix(case: BadUpdate) -> None:
    with pytest.raises(InvalidObject) as refusal:
        check_update(parse(case.old()), parse(case.new()))
    assert [path for path, _ in refusal.value.errors] == [case.field]
    assert case.says in refusal.value.errors[0][1]


def test_a_pod_field_put_in_the_place_of_another_is_noticed_here_though_not_by_cel() -> None:
    where = "spec.workers.template.spec"
    old = parse(bad_objects.good("TrainingJob", {f"{where}.tolerations": [{"operator": "Exists"}]}))
    new = parse(bad_objects.good("TrainingJob", {f"{where}.affinity": {"nodeAffinity": {}}}))
    with pytest.raises(InvalidObject, match=r"spec\.workers\.template"):
        check_update(old, new)


@pytest.mark.parametrize("case", bad_objects.REFUSED_UPDATES, ids=_id)
def test_a_suspended_job_may_be_changed_in_the_same_way(case: BadUpdate) -> None:
    old = case.old()
    old["spec"]["suspend"] = True
    check_update(parse(old), parse(case.new()))


@pytest.mark.parametrize(
    "patch", bad_objects.ALLOWED_UPDATES.values(), ids=bad_objects.ALLOWED_UPDATES.keys()
)
def test_a_change_that_leaves_the_gang_as_it_is_is_allowed(patch: dict[str, object]) -> None:
    check_update(parse(bad_objects.good("TrainingJob")), parse(bad_objects.good("TrainingJob", patch)))


@pytest.mark.parametrize("case", bad_objects.TURN_INVALID, ids=_id)
def test_what_only_a_look_at_other_objects_shows_is_no_matter_of_the_schema(case: TurnsInvalid) -> None:
    parsed = [parse(manifest) for manifest in (*case.manifests, case.neighbour)]
    assert (case.kind, case.name) in [(each.kind, each.name) for each in parsed]
