import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from powertrain_operator.api.cluster import Pod
from powertrain_operator.kube.sharing import KEPT, Sharing
from powertrain_operator.kube.wire import Added, Bookmark, Deleted, Failed, Lines, Modified, Unreadable, Wire


def pod(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "ns", "resourceVersion": "5"}, "spec": spec}


def line(type: str, obj: dict[str, Any]) -> bytes:
    return json.dumps({"type": type, "object": obj}).encode()


def wire() -> Wire[Pod]:
    return Wire("Pod", Pod)


def test_each_event_has_its_type() -> None:
    assert isinstance(wire().event(line("ADDED", pod("a"))), Added)
    assert isinstance(wire().event(line("MODIFIED", pod("a"))), Modified)
    gone = wire().event(line("DELETED", pod("a")))
    assert isinstance(gone, Deleted) and gone.object.metadata.name == "a"


def test_a_bookmarks_hollow_object_is_not_looked_at() -> None:
    hollow = {
        "metadata": {"resourceVersion": "9", "creationTimestamp": None},
        "spec": {"containers": None},
        "status": {},
    }
    mark = wire().event(line("BOOKMARK", hollow))
    assert isinstance(mark, Bookmark) and mark.object.metadata.resource_version == "9"


def test_an_error_event_carries_its_status() -> None:
    failed = wire().event(line("ERROR", {"code": 410, "reason": "Expired", "message": "too old"}))
    assert isinstance(failed, Failed) and failed.object.code == 410


def test_an_object_of_unexpected_form_is_named_and_does_not_raise(caplog: pytest.LogCaptureFixture) -> None:
    event = wire().event(line("MODIFIED", pod("odd", priority="high")))
    assert isinstance(event, Unreadable) and event.object.metadata.resource_version == "5"
    assert "Pod ns/odd is not read: Expected `int`, got `str` - at `$.object.spec.priority`" in caplog.text


@pytest.mark.parametrize(
    "broken", [b'{"type":"ADDED","obj', b"null", b'{"type":"NEWS","object":{}}', b"\xff"]
)
def test_a_line_that_is_no_event_raises(broken: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        wire().event(broken)


def test_a_page_gives_the_good_objects_and_names_the_others(caplog: pytest.LogCaptureFixture) -> None:
    items = [pod("a"), pod("odd", nodeName=7), pod("b")]
    body = json.dumps({"metadata": {"resourceVersion": "8", "continue": "c"}, "items": items}).encode()
    good, unreadable, metadata = wire().page(body)
    assert [p.metadata.name for p in good] == ["a", "b"]
    assert unreadable == ["ns/odd"]
    assert (metadata.resource_version, metadata.continue_) == ("8", "c")
    assert "Pod ns/odd is not read" in caplog.text


@given(st.lists(st.integers(1, 30), max_size=10))
def test_lines_are_whole_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    stream = b'{"a":1}\n{"b":2}\n\n{"c":3}\n{"half'
    lines, found, rest = Lines(), list[bytes](), stream
    for cut in cuts:
        found += lines.feed(rest[:cut])
        rest = rest[cut:]
    found += lines.feed(rest)
    assert found == [b'{"a":1}', b'{"b":2}', b'{"c":3}']


# --- sharing


def gang_pod(rank: int) -> bytes:
    owner = {"kind": "TrainingJob", "name": "job", "uid": "job-uid", "controller": True}
    return json.dumps(
        {
            "metadata": {
                "name": f"job-worker-{rank}",
                "namespace": "team",
                "uid": f"uid-{rank}",
                "resourceVersion": f"{rank}",
                "labels": {"group": "the-job", "rank": f"rank-{rank}"},
                "ownerReferences": [owner],
            },
            "spec": {
                "nodeName": "node-of-both",
                "nodeSelector": {"pool": "h100"},
                "containers": [{"name": "c", "resources": {"requests": {"cpu": "8"}}}],
                "tolerations": [{"key": "k", "operator": "Exists"}],
            },
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        }
    ).encode()


def test_the_equal_parts_of_a_gangs_pods_are_kept_once() -> None:
    share = Sharing()
    a, b = (share(msgspec.json.decode(gang_pod(rank), type=Pod)) for rank in (1, 2))
    assert a.spec.containers is b.spec.containers
    assert a.spec.tolerations is b.spec.tolerations
    assert a.spec.node_selector is b.spec.node_selector
    assert a.spec.node_name is b.spec.node_name
    assert a.status.conditions is b.status.conditions
    assert a.metadata.owner_references is b.metadata.owner_references
    assert a.metadata.labels["group"] is b.metadata.labels["group"]


def test_sharing_changes_no_value() -> None:
    share = Sharing()
    for rank in range(3):
        plain = msgspec.json.decode(gang_pod(rank), type=Pod)
        assert share(msgspec.json.decode(gang_pod(rank), type=Pod)) == plain


def test_sharing_does_not_remember_without_end() -> None:
    share = Sharing()
    first = share(msgspec.json.decode(gang_pod(0), type=Pod))
    for number in range(KEPT + 1):
        share(from_name(f"c{number}"))
    again = share(msgspec.json.decode(gang_pod(0), type=Pod))
    assert again == first and again.spec.containers is not first.spec.containers


def from_name(container: str) -> Pod:
    return msgspec.convert({"metadata": {"name": "p"}, "spec": {"containers": [{"name": container}]}}, Pod)


def test_plain_dicts_pass_unchanged() -> None:
    thing = {"metadata": {"name": "q"}}
    assert Sharing()(thing) is thing
