import itertools
import random
from typing import Any

import pytest
from powertrain_operator.api.cluster import Metadata, Named
from powertrain_operator.kube.store import REMEMBERED_DELETIONS, Store, key_of, version_of


def obj(name: str, version: int | str, uid: str = "u") -> Named:
    return Named(Metadata(name=name, namespace="ns", uid=uid, resource_version=str(version)))


class Heard:
    """What the store told: `+a@1` new, `a@2` changed, `-a@2` gone."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.store: Store[Named] = Store("Thing", self)

    def __call__(self, key: str, old: Named | None, new: Named | None) -> None:
        sign = "+" if old is None else "-" if new is None else ""
        shown = new or old
        assert shown is not None and key == key_of(shown)
        self.words.append(f"{sign}{shown.metadata.name}@{shown.metadata.resource_version}")


def test_changes_are_told_with_what_was_known() -> None:
    seen: list[tuple[str, Named | None, Named | None]] = []
    store: Store[Named] = Store("Thing", lambda *change: seen.append(change))
    store.put(obj("a", 1))
    store.put(obj("a", 2))
    store.remove(obj("a", 3))
    assert seen == [
        ("ns/a", None, obj("a", 1)),
        ("ns/a", obj("a", 1), obj("a", 2)),
        ("ns/a", obj("a", 2), None),
    ]


def test_a_list_is_told_as_differences_with_deletions_first() -> None:
    heard = Heard()
    heard.store.replace([obj("a", 1), obj("b", 2), obj("c", 3)])
    heard.words.clear()
    heard.store.replace([obj("d", 9), obj("b", 2), obj("c", 8)])
    assert heard.words == ["-a@1", "+d@9", "c@8"]
    assert sorted(heard.store.objects) == ["ns/b", "ns/c", "ns/d"]


def test_an_object_made_anew_under_its_old_name_is_told_as_gone_and_new() -> None:
    heard = Heard()
    heard.store.put(obj("a", 1, uid="first"))
    heard.store.put(obj("a", 5, uid="second"))
    heard.store.replace([obj("a", 9, uid="third")])
    assert heard.words == ["+a@1", "-a@1", "+a@5", "-a@5", "+a@9"]


@pytest.mark.parametrize("late", [1, 3])
def test_a_repeated_or_late_change_is_not_told(late: int) -> None:
    heard = Heard()
    heard.store.put(obj("a", 3))
    heard.store.put(obj("a", late))
    assert heard.words == ["+a@3"]


def test_a_late_change_does_not_bring_back_what_is_deleted() -> None:
    heard = Heard()
    heard.store.put(obj("a", 1))
    heard.store.remove(obj("a", 3))
    heard.store.put(obj("a", 2))
    heard.store.remove(obj("a", 3))
    assert heard.words == ["+a@1", "-a@1"]
    heard.store.put(obj("a", 4))
    assert heard.words[-1] == "+a@4"


def test_a_late_deletion_does_not_remove_the_successor() -> None:
    heard = Heard()
    heard.store.put(obj("a", 5, uid="second"))
    heard.store.remove(obj("a", 3, uid="first"))
    assert heard.words == ["+a@5"]


def test_versions_compare_as_numbers_and_not_as_text() -> None:
    heard = Heard()
    heard.store.put(obj("a", 9))
    heard.store.put(obj("a", 10))
    assert heard.words == ["+a@9", "a@10"]
    assert version_of(obj("a", "opaque")) == 0


def test_versions_that_are_no_numbers_are_taken_as_they_come() -> None:
    heard = Heard()
    heard.store.put(obj("a", "x"))
    heard.store.put(obj("a", "y"))
    heard.store.remove(obj("a", "z"))
    assert heard.words == ["+a@x", "a@y", "-a@y"]


def test_any_order_and_repetition_ends_in_the_same_state() -> None:
    events = [("put", obj("a", 1)), ("put", obj("a", 2)), ("remove", obj("a", 3)), ("put", obj("b", 4))]
    for order in itertools.permutations(events):
        heard = Heard()
        for action, thing in (*order, random.Random(repr(order)).choice(events)):
            getattr(heard.store, action)(thing)
        assert list(heard.store.objects) == ["ns/b"], order


def test_only_so_many_deletions_are_remembered() -> None:
    heard = Heard()
    for number in range(REMEMBERED_DELETIONS + 1):
        heard.store.remove(obj(f"p{number}", number + 10))
    heard.store.put(obj("p0", 9))
    heard.store.put(obj("p1", 9))
    assert heard.words == ["+p0@9"]


def test_a_listener_that_raises_is_logged_with_the_object_and_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def listener(key: str, old: Any, new: Any) -> None:
        if key == "ns/bad":
            raise KeyError("nobody expected this")

    store: Store[Named] = Store("Pod", listener)
    store.replace([obj("bad", 1), obj("good", 2)])
    assert sorted(store.objects) == ["ns/bad", "ns/good"]
    assert "Pod ns/bad: the change was not taken in" in caplog.text
    assert "nobody expected this" in caplog.text


def test_what_a_list_has_in_unreadable_form_stays_as_it_was_known() -> None:
    heard = Heard()
    heard.store.replace([obj("a", 1), obj("b", 2)])
    heard.store.replace([], keep={"ns/a"})
    assert heard.words == ["+a@1", "+b@2", "-b@2"]


def test_plain_dicts_are_kept_as_well() -> None:
    store: Store[dict[str, Any]] = Store("Queue", lambda *change: None)
    store.put({"metadata": {"name": "q", "uid": "u", "resourceVersion": "5"}})
    store.put({"metadata": {"name": "q", "uid": "u", "resourceVersion": "4"}})
    assert store.objects["q"]["metadata"]["resourceVersion"] == "5"
    store.remove(Named(Metadata(name="q", resource_version="6")))
    assert len(store.objects) == 0
