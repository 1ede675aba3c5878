"""Cases from YAML files. Mistakes are collected: one bad case does not keep the others from being tried."""

from pathlib import Path

import yaml

from scenarios.case import STAGES, Case
from scenarios.read import cluster, expectations, jobs, names
from scenarios.read.fields import BadField, Fields


class BadFolder(Exception):
    """There is nothing to read; says why."""


def folder(path: Path) -> tuple[list[Case], list[str]]:
    """All cases of the folder's files, and a sentence for each that can't be used.

    Raises BadFolder where there is no such folder or no file in it.
    """
    if not path.is_dir():
        raise BadFolder(f"{path} is not a folder")
    files = sorted(path.glob("*.yaml"))
    if not files:
        raise BadFolder(f"{path} holds no *.yaml")
    cases: list[Case] = []
    complaints: list[str] = []
    for file in files:
        _file(file, cases, complaints)
    return cases, complaints


def _file(file: Path, cases: list[Case], complaints: list[str]) -> None:
    try:
        documents = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        complaints.append(f"{file.name}: {' '.join(str(error).split())}")
        return
    if not isinstance(documents, list):
        complaints.append(f"{file.name}: is not a list of cases")
        return
    known = {case.id for case in cases}
    for number, document in enumerate(documents):
        said = document.get("id") if isinstance(document, dict) else None
        try:
            case = read(document, file.stem)
            if case.id in known:
                raise BadField("id", "another case has it already")
        except BadField as bad:
            complaints.append(f"{file.name}: case {said or f'number {number + 1}'}: {bad}")
            continue
        known.add(case.id)
        cases.append(case)


def read(document: object, family: str) -> Case:
    """One case; raises BadField."""
    fields = Fields(document, "")
    name = fields.text("id")
    for key in ("origin", "says", "note"):
        fields.optional_text(key)
    nodes = tuple(cluster.node(each) for each in fields.parts("nodes"))
    queues = tuple(cluster.queue(each) for each in fields.parts("queues"))
    listed = tuple(jobs.job(each) for each in fields.parts("jobs"))
    levels = fields.texts("topology")
    expected = fields.part("expect")
    expectation = expectations.read(expected, {node.name for node in nodes}, {job.name for job in listed})
    case = Case(
        id=name,
        family=family,
        stage=fields.choice("stage", STAGES),
        levels=levels,
        nodes=nodes,
        queues=queues,
        jobs=listed,
        kind=expectation.kind,
        expected=expectation.jobs,
        interchangeable=expectation.interchangeable,
        prefers=expectation.prefers,
    )
    fields.end()
    names.check(case)
    return case
