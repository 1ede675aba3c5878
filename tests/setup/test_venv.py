"""`make setup` on machines that lack this or that: one sentence or a way around it.

The machines are folders with the programs they have; Python and pip are scripts that note how they were called.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_TOOLS = ("cat", "chmod", "cp", "cut", "dirname", "flock", "mkdir", "mv", "rm", "sh", "sha256sum")

# Answers the questions of venv.sh as a Python of that version would.
_PYTHON = """#!/bin/sh
case "$*" in
--version) echo "Python {version}" ;;
*"sys.version_info < (3, 11)"*) exit {too_old} ;;
*"import ensurepip, venv"*) [ -e "{folder}/ensurepip" ] ;;
*venv\\"*) echo python3.11-venv ;;
"-m venv --clear .venv")
    echo "venv $0" >>"{folder}/calls"
    rm -rf .venv
    mkdir -p .venv/bin
    cp "{folder}/pip" .venv/bin/python ;;
esac
"""

# The python of the venv that is made: notes what pip is to install.
_VENV_PYTHON = """#!/bin/sh
case "$*" in
*"pip install"*)
    echo "$@" >>"{folder}/calls"
    [ ! -e "{folder}/pip-fails" ] ;;
esac
"""


class Machine:
    """A checkout in a folder, and a PATH with nothing but what it was given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkout = folder / "checkout"
        self.bin = folder / "bin"
        self.bin.mkdir()
        for tool in _TOOLS:
            found = shutil.which(tool)
            assert found, tool
            (self.bin / tool).symlink_to(found)
        for name in ("hack/setup/venv.sh", "requirements/dev.txt", "pyproject.toml"):
            (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.checkout / name)
        (folder / "pip").write_text(_VENV_PYTHON.format(folder=folder))
        (folder / "pip").chmod(0o755)
        self.user(1000)

    def has(self, name: str, script: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{script}")
        (self.bin / name).chmod(0o755)

    def has_python(self, name: str, version: str, *, ensurepip: bool = True) -> None:
        too_old = int(tuple(map(int, version.split("."))) < (3, 11))
        self.has(name, _PYTHON.format(version=version, too_old=too_old, folder=self.folder))
        if ensurepip:
            (self.folder / "ensurepip").touch()

    def user(self, number: int) -> None:
        self.has("id", f"echo {number}")

    def start(self, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [self.checkout / "hack" / "setup" / "venv.sh"],
            env={"PATH": str(self.bin), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def setup(self, status: int = 0, **environment: str) -> str:
        """What it said."""
        with self.start(**environment) as running:
            out, err = running.communicate(timeout=30)
        assert running.returncode == status, out + err
        return out + err

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_new_venv_has_the_pinned_packages_and_powertrain(machine: Machine) -> None:
    machine.has_python("python3", "3.11.2")
    assert ".venv is ready" in machine.setup()
    made, pinned, own = machine.calls
    assert made == f"venv {machine.bin}/python3"
    assert "--require-hashes --requirement requirements/dev.txt" in pinned
    assert "--no-deps --no-build-isolation --editable ." in own


def test_a_second_run_says_and_does_nothing(machine: Machine) -> None:
    machine.has_python("python3", "3.11.2")
    machine.setup()
    before = machine.calls
    assert machine.setup() == ""
    assert machine.calls == before


@pytest.mark.parametrize("name", ["requirements/dev.txt", "pyproject.toml"])
def test_changed_requirements_are_installed_into_the_venv_that_is_there(name: str, machine: Machine) -> None:
    machine.has_python("python3", "3.11.2")
    machine.setup()
    with (machine.checkout / name).open("a") as file:
        file.write("# changed\n")
    machine.setup()
    assert sum(call.startswith("venv") for call in machine.calls) == 1
    assert sum("--require-hashes" in call for call in machine.calls) == 2
    assert machine.setup() == ""


def test_an_installation_that_failed_is_told_and_done_again(machine: Machine) -> None:
    machine.has_python("python3", "3.11.2")
    (machine.folder / "pip-fails").touch()
    assert "pip could not install the pinned packages" in machine.setup(status=1)
    (machine.folder / "pip-fails").unlink()
    assert ".venv is ready" in machine.setup()


def test_a_venv_whose_python_is_gone_is_made_anew(machine: Machine) -> None:
    machine.has_python("python3", "3.11.2")
    machine.setup()
    (machine.checkout / ".venv/bin/python").unlink()
    (machine.checkout / ".venv/bin/python").symlink_to("/nowhere/python3.11")
    machine.setup()
    assert sum(call.startswith("venv") for call in machine.calls) == 2


def test_two_runs_at_once_make_it_once(machine: Machine) -> None:
    machine.has_python("python3", "3.11.2")
    with machine.start() as one, machine.start() as other:
        for running in (one, other):
            running.communicate(timeout=30)
    assert (one.returncode, other.returncode) == (0, 0)
    assert len(machine.calls) == 3


def test_a_newer_python_beside_an_old_python3_is_taken(machine: Machine) -> None:
    machine.has_python("python3", "3.9.2")
    machine.has_python("python3.12", "3.12.1")
    machine.setup()
    assert machine.calls[0] == f"venv {machine.bin}/python3.12"


def test_the_python_that_is_named_is_taken(machine: Machine) -> None:
    machine.has_python("python3", "3.11.2")
    machine.has_python("mine", "3.13.0")
    machine.setup(PYTHON="mine")
    assert machine.calls[0] == f"venv {machine.bin}/mine"


def test_without_a_new_enough_python_it_says_which_is_there_and_what_to_do(machine: Machine) -> None:
    machine.has_python("python3", "3.10.12")
    (said,) = machine.setup(status=1).splitlines()
    assert "Python 3.11 or newer is needed; python3 is Python 3.10.12" in said
    assert "make PYTHON=" in said
    assert "PYTHON=python3 is not a Python 3.11" in machine.setup(status=1, PYTHON="python3")


def test_without_ensurepip_a_user_is_told_the_command_that_helps(machine: Machine) -> None:
    machine.has_python("python3", "3.11.2", ensurepip=False)
    machine.has("apt-get", "exit 1")
    assert machine.setup(status=1).splitlines()[-1].endswith("sudo apt-get install python3.11-venv")


def test_without_ensurepip_root_gets_it_from_debian(machine: Machine) -> None:
    machine.user(0)
    machine.has_python("python3", "3.11.2", ensurepip=False)
    # The lists of a fresh machine are empty: the first try can't find the package.
    lists, ensurepip = machine.folder / "lists", machine.folder / "ensurepip"
    machine.has(
        "apt-get",
        f'case "$*" in update*) : >"{lists}" ;; *python3.11-venv) [ -e "{lists}" ] && : >"{ensurepip}" ;; esac',
    )
    said = machine.setup()
    assert "installing python3.11-venv with apt-get" in said
    assert ".venv is ready" in said


@pytest.mark.parametrize("tool", ["uv", "virtualenv"])
def test_without_ensurepip_another_maker_of_venvs_does(tool: str, machine: Machine) -> None:
    machine.has_python("python3", "3.11.2", ensurepip=False)
    machine.has(
        tool,
        f'echo "{tool} $*" >>"{machine.folder}/calls"; mkdir -p .venv/bin; cp "{machine.folder}/pip" .venv/bin/python',
    )
    machine.setup()
    assert machine.calls[0].startswith(tool)
    assert machine.calls[0].endswith(f"--python {machine.bin}/python3 .venv")


def test_make_alone_lists_every_target() -> None:
    # `make test` runs this: as the inner of two makes it would also say which folder it enters.
    listed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    names = {line.split()[0] for line in listed.splitlines()}
    makefile = (ROOT / "Makefile").read_text()
    declared = next(line for line in makefile.splitlines() if line.startswith(".PHONY:"))
    assert names == set(declared.split()[1:])
    assert {"demo", "test", "check", "up", "down"} <= names


def test_make_image_without_an_engine_is_one_sentence(machine: Machine) -> None:
    machine.bin.joinpath("make").symlink_to(shutil.which("make") or "")
    done = subprocess.run(
        ["make", "image"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": str(machine.bin)},
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "make image: needs docker or podman, and neither is on PATH"
