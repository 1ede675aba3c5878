"""Debian is taken from where the machine's own apt takes it."""

from pathlib import Path

import pytest
from kindcluster import rootfs


@pytest.mark.parametrize(
    ("text", "mirror"),
    [
        (
            "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\n",
            "http://mirror.example/debian",
        ),
        (
            "deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main\n",
            "http://mirror.example/debian",
        ),
        ("deb http://security.example/debian-security bookworm-security main\n", None),
        ("deb http://archive.example/ubuntu noble main\n", None),
        ("# deb http://mirror.example/debian bookworm main\n", None),
    ],
)
def test_the_mirror_is_read_from_apts_sources(
    text: str, mirror: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "debian.sources").write_text(text)
    monkeypatch.setattr(rootfs, "_SOURCES", (tmp_path / "sources.list", tmp_path))
    assert rootfs._mirror() == mirror
