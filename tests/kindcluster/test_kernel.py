"""Settings of the machine are raised for the cluster, and are what they were when it is gone."""

from pathlib import Path

import pytest
from kindcluster import kernel


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files like those under /proc/sys."""
    monkeypatch.setattr(kernel, "_ROOT", tmp_path)
    for name in (*kernel._NEEDED, *kernel._CHANGED):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("128\n")
    return tmp_path


def test_what_is_too_little_is_raised_and_put_back(settings: Path) -> None:
    watches = settings / "fs/inotify/max_user_instances"
    with kernel.kept(settings / "record"):
        assert int(watches.read_text()) == 1024
        (settings / "kernel/panic").write_text("10")  # as a kubelet does
    assert watches.read_text().strip() == "128"
    assert (settings / "kernel/panic").read_text().strip() == "128"
    assert not (settings / "record").exists()


def test_what_is_enough_is_left_alone(settings: Path) -> None:
    (settings / "fs/inotify/max_user_instances").write_text("8192")
    with kernel.kept(settings / "record"):
        assert (settings / "fs/inotify/max_user_instances").read_text() == "8192"


def test_a_run_that_was_killed_does_not_count_as_what_was(settings: Path) -> None:
    with pytest.raises(KeyboardInterrupt), kernel.kept(settings / "record"):
        left = (settings / "record").read_text()
        raise KeyboardInterrupt
    (settings / "record").write_text(left)  # as `kill -9` would have left it
    (settings / "kernel/panic").write_text("10")
    with kernel.kept(settings / "record"):
        pass
    assert (settings / "kernel/panic").read_text().strip() == "128"
