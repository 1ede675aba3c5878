"""What can be said of the image without building it: no container engine is needed here."""

import shlex
import tomllib
from dataclasses import dataclass

import pytest

from .conftest import ROOT, Render, named

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@dataclass(frozen=True)
class Instruction:
    """One line of a Containerfile, continued lines joined."""

    word: str
    rest: str


def instructions() -> list[Instruction]:
    text = (ROOT / "Containerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [Instruction(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def rest_of(word: str) -> list[str]:
    return [found.rest for found in instructions() if found.word == word]


def from_context() -> list[str]:
    """Every file and folder that the build copies out of the repository."""
    copies = [shlex.split(rest) for rest in rest_of("COPY") if not rest.startswith("--from=")]
    return [source for *sources, _ in copies for source in sources]


@pytest.mark.parametrize("source", from_context())
def test_what_the_build_copies_is_there_and_reaches_it(source: str) -> None:
    assert (ROOT / source).exists()
    assert f"!{source}" in (ROOT / ".dockerignore").read_text().splitlines()


def test_nothing_else_reaches_the_build() -> None:
    patterns = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] not in ("", "#")
    ]
    assert patterns[0] == "*"
    assert {p[1:] for p in patterns if p.startswith("!")} == set(from_context())


def test_every_package_is_installed_by_its_hash_or_from_this_build() -> None:
    commands = [part.strip() for rest in rest_of("RUN") for part in rest.split("&&")]
    installs = [shlex.split(command) for command in commands if " install " in command]
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes" in install or {"--no-index", "--no-deps"} <= set(install), install


@pytest.mark.parametrize("name", ["image.txt", "build.txt"])
def test_the_pins_have_hashes_and_no_address(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    assert "://" not in text
    for requirement in text.replace("\\\n", " ").splitlines():
        if requirement and not requirement.startswith("#"):
            assert "==" in requirement
            assert "--hash=sha256:" in requirement


def test_the_image_runs_the_distributions_program_as_the_user_of_the_chart(render: Render) -> None:
    (entry,) = rest_of("ENTRYPOINT")
    (program,) = PROJECT["scripts"]
    assert entry == f'["{program}"]'
    (user,) = rest_of("USER")
    for component in ("operator", "scheduler"):
        pod = named(render(), "Deployment", f"powertrain-{component}")["spec"]["template"]["spec"]
        context = pod["securityContext"]
        assert f"{context['runAsUser']}:{context['runAsGroup']}" == user
        assert context["runAsUser"] > 0


def test_the_image_and_the_distribution_have_one_version() -> None:
    (labels,) = rest_of("LABEL")
    assert f"org.opencontainers.image.version={PROJECT['version']}" in shlex.split(labels)


def test_nothing_is_written_at_run_time() -> None:
    (environment,) = [rest for rest in rest_of("ENV") if "PYTHONUNBUFFERED" in rest]
    assert "PYTHONDONTWRITEBYTECODE=1" in shlex.split(environment)


def test_stages_come_from_one_base() -> None:
    assert rest_of("FROM") == ["${PYTHON} AS build", "${BASE}"]
    python, base = rest_of("ARG")
    assert python.startswith("PYTHON=python:3.")
    assert python.endswith("-slim")
    assert base == "BASE=${PYTHON}"  # unless somebody says otherwise
