"""What is in the cache is whole, or it is made anew."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from localcluster import cache


class Maker:
    """Makes `tool` with some content, and counts how often."""

    def __init__(self, content: str = "a tool") -> None:
        self.times = 0
        self._content = content

    def __call__(self, folder: Path) -> None:
        assert list(folder.iterdir()) == []
        self.times += 1
        (folder / "tool").write_text(self._content)


def ensure(folder: Path, make: Callable[[Path], None]) -> list[str]:
    """The lines that were logged."""
    said: list[str] = []
    assert cache.ensure(folder, "tool", make, said.append) == folder
    return said


def test_a_folder_is_made_once_and_found_afterwards(tmp_path: Path) -> None:
    make = Maker()
    assert ensure(tmp_path / "v1", make) == []
    assert ensure(tmp_path / "v1", make) == []
    assert make.times == 1
    assert (tmp_path / "v1" / "tool").read_text() == "a tool"


def cut_short(folder: Path) -> None:
    (folder / "tool").write_text("a t")


def changed(folder: Path) -> None:
    (folder / "tool").write_text("a fool")


def removed(folder: Path) -> None:
    (folder / "tool").unlink()


def without_a_stamp(folder: Path) -> None:
    (folder / "made.json").unlink()


def with_half_a_stamp(folder: Path) -> None:
    (folder / "made.json").write_text((folder / "made.json").read_text()[:20])


def with_a_stamp_of_another_kind(folder: Path) -> None:
    (folder / "made.json").write_text("[]")


@pytest.mark.parametrize(
    "damage",
    [cut_short, changed, removed, without_a_stamp, with_half_a_stamp, with_a_stamp_of_another_kind],
    ids=lambda damage: damage.__name__,
)
def test_a_damaged_folder_is_made_anew_and_that_is_said(
    damage: Callable[[Path], None], tmp_path: Path
) -> None:
    make = Maker()
    ensure(tmp_path / "v1", make)
    damage(tmp_path / "v1")
    (said,) = ensure(tmp_path / "v1", make)
    assert "v1 is not whole" in said
    assert make.times == 2
    assert (tmp_path / "v1" / "tool").read_text() == "a tool"


def test_a_copied_cache_with_new_times_is_still_good(tmp_path: Path) -> None:
    make = Maker()
    ensure(tmp_path / "v1", make)
    os.utime(tmp_path / "v1" / "tool", (1, 1))
    assert ensure(tmp_path / "v1", make) == []
    assert make.times == 1


def test_what_an_interrupted_maker_left_is_thrown_away(tmp_path: Path) -> None:
    def interrupted(folder: Path) -> None:
        (folder / "tool").write_text("half")
        (folder / "rest").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure(tmp_path / "v1", interrupted)
    assert not (tmp_path / "v1").exists()
    ensure(tmp_path / "v1", Maker())
    assert sorted(path.name for path in (tmp_path / "v1").iterdir()) == ["made.json", "tool"]


def test_a_second_maker_waits_and_finds_the_work_done(tmp_path: Path) -> None:
    waiting = threading.Event()
    making = threading.Event()
    make = Maker()

    def slow(folder: Path) -> None:
        making.set()
        assert waiting.wait(10)
        make(folder)

    def second() -> Path:
        assert making.wait(10)
        said = [""]

        def log(text: str) -> None:
            said.append(text)
            waiting.set()

        found = cache.ensure(tmp_path / "v1", "tool", make, log)
        assert "another process is making v1" in said[-1]
        return found

    with ThreadPoolExecutor() as pool:
        later = pool.submit(second)
        cache.ensure(tmp_path / "v1", "tool", slow, print)
        assert later.result() == tmp_path / "v1"
    assert make.times == 1


def test_the_cache_is_where_xdg_says_unless_that_is_relative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache.root() == Path("/somewhere/powertrain")
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    assert cache.root() == Path.home() / ".cache" / "powertrain"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.root() == Path.home() / ".cache" / "powertrain"
