"""The programs are built once for what they are built from, and what is built runs."""

import shutil
import subprocess
from pathlib import Path

import pytest
from localcluster import build
from localcluster.errors import BuildFailed

from .conftest import eventually, exists
from .fakego import FakeGo


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGo:
    """First on PATH, with an empty cache and a copy of the sources that may be changed."""
    fake = FakeGo(tmp_path / "go")
    fake.install()
    monkeypatch.setenv("PATH", fake.path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(build, "_SOURCE", Path(shutil.copytree(build._SOURCE, tmp_path / "source")))
    return fake


def test_every_program_answers_to_its_own_name(go: FakeGo) -> None:
    programs = build.ensure(print)
    for name in build.PROGRAMS:
        assert subprocess.run([programs / name], capture_output=True, check=True).stdout
    assert programs.name.startswith("v1.37.2-")


def test_the_first_build_says_how_long_it_takes_and_the_second_is_none(go: FakeGo) -> None:
    said: list[str] = []
    first = build.ensure(said.append)
    assert "the first time" in said[0]
    assert "minutes on" in said[0]
    said.clear()
    assert build.ensure(said.append) == first
    assert said == []
    assert go.builds == 1


@pytest.mark.parametrize("name", ["main.go", "go.mod", "go.sum"])
def test_a_change_of_the_builds_own_files_is_another_build(name: str, go: FakeGo) -> None:
    first = build.ensure(print)
    with (build._SOURCE / name).open("a") as file:
        file.write("// changed\n")
    assert build.ensure(print) != first
    assert go.builds == 2


def test_another_go_is_another_build(go: FakeGo) -> None:
    first = build.ensure(print)
    go.install(version="go1.99.2")
    assert build.ensure(print) != first


def test_a_failed_build_tells_what_go_said_and_leaves_nothing(go: FakeGo, tmp_path: Path) -> None:
    go.install(build='echo "main.go:7: no such thing" >&2; exit 1')
    with pytest.raises(
        BuildFailed, match=r"go build failed \(exit status 1\)(.|\n)*main.go:7: no such thing"
    ):
        build.ensure(print)
    go.install()
    assert build.ensure(print).is_dir()


def test_a_program_that_was_built_but_does_not_run_is_not_kept(go: FakeGo) -> None:
    go.install(program="#!/bin/sh\necho broken >&2; exit 3")
    with pytest.raises(BuildFailed, match="etcd --version was built but does not run: broken"):
        build.ensure(print)
    go.install()
    build.ensure(print)
    assert go.builds == 2


def test_an_interrupted_build_ends_go_and_its_compilers(
    go: FakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = tmp_path / "pids"
    compiler = f'sleep 1000 & echo "$$ $!" >{pids}.new; mv {pids}.new {pids}; echo a; echo b; wait'
    go.install(build=compiler)
    monkeypatch.setattr(build, "_REPORT_SECONDS", 0.0)

    def interrupt(text: str) -> None:
        if text.startswith("compiled 2 of 3 packages"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build.ensure(interrupt)
    for pid in map(int, pids.read_text().split()):
        eventually(lambda pid=pid: not exists(pid))  # type: ignore[misc]
    go.install()
    assert build.ensure(print).is_dir()
