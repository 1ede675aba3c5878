"""What stands before runc takes out exactly what the machine itself cannot give."""

import json
from pathlib import Path

from kindcluster import runtime


def test_only_what_is_not_held_is_taken_out() -> None:
    wanted = {"bounding": ["CAP_SYS_ADMIN", "CAP_SYS_RESOURCE"], "effective": ["CAP_SYS_RESOURCE"]}
    config = {"process": {"capabilities": wanted, "oomScoreAdj": -500}, "hostname": "node"}
    left = runtime.trimmed(config, {"CAP_SYS_ADMIN"})
    assert left == {
        "process": {"capabilities": {"bounding": ["CAP_SYS_ADMIN"], "effective": []}},
        "hostname": "node",
    }


def test_a_machine_that_holds_everything_changes_nothing() -> None:
    process = {"capabilities": {"bounding": ["CAP_SYS_RESOURCE"]}, "oomScoreAdj": -500}
    assert runtime.trimmed(dict(process), {"CAP_SYS_RESOURCE"}) == process


def test_a_process_without_capabilities_is_left_alone() -> None:
    assert runtime.trimmed({"process": {"args": ["sh"]}}, set()) == {"process": {"args": ["sh"]}}


def test_the_files_of_a_call_are_found(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({}))
    process = tmp_path / "process.json"
    process.write_text(json.dumps({}))
    config = tmp_path / "config.json"
    assert runtime.files(["create", "--bundle", str(tmp_path), "name"]) == [config]
    assert runtime.files(["create", f"--bundle={tmp_path}", "name"]) == [config]
    assert runtime.files(["exec", "--process", str(process), "name"]) == [process]
    assert runtime.files(["kill", "name", "TERM"]) == []


def test_what_this_process_holds_is_told_by_kernel_names() -> None:
    assert all(name.startswith("CAP_") and name.isupper() for name in runtime.held())
