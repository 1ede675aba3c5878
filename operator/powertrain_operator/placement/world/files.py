"""Files, folders and standard input as Kubernetes objects, each with the place it was read at."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import yaml

from . import extent
from .complaints import BadInput, Complaint, Place

STDIN = "-"
_SUFFIXES = (".yaml", ".yml", ".json")
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Given:
    """One object as somebody wrote it."""

    place: Place
    manifest: Manifest

    @property
    def kind(self) -> str:
        return str(self.manifest.get("kind") or "")

    @property
    def group(self) -> str:
        """API group; empty for Kubernetes' core group."""
        group, slash, _ = str(self.manifest.get("apiVersion") or "").partition("/")
        return group if slash else ""


class _Loader(_Base):  # type: ignore[misc]
    """YAML as kubectl reads it: times stay text, and a key given twice is a mistake."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        twice = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
        if len(keys) != len(found) and isinstance(twice, str):
            raise yaml.constructor.ConstructorError(
                None, None, f"key {twice!r} is given twice", node.start_mark
            )
        return found


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Base.yaml_implicit_resolvers.items()
}


def read(paths: tuple[str, ...], stdin: TextIO = sys.stdin) -> list[Given]:
    """All objects in the order they were given. Raises BadInput with everything that cannot be read."""
    found: list[Given] = []
    complaints: list[Complaint] = []
    for path in paths:
        for source, text in _texts(path, stdin, complaints):
            found += _objects(source, text, complaints)
    if complaints:
        raise BadInput(complaints)
    return found


def _texts(path: str, stdin: TextIO, complaints: list[Complaint]) -> Iterator[tuple[str, str]]:
    """(name, content) of each file that the path means."""
    if path == STDIN:
        yield "standard input", stdin.read()
        return
    files = _files(Path(path), complaints)
    for file in files:
        try:
            yield str(file), file.read_text(encoding="utf-8")
        except OSError as error:
            complaints.append(Complaint(str(file), "", "", f"cannot be read: {error.strerror or error}"))
        except UnicodeDecodeError:
            complaints.append(Complaint(str(file), "", "", "is not text in UTF-8"))


def _files(path: Path, complaints: list[Complaint]) -> list[Path]:
    if not path.is_dir():
        return [path]
    inside = sorted(each for each in path.rglob("*") if each.suffix in _SUFFIXES and each.is_file())
    if not inside:
        complaints.append(
            Complaint(str(path), "", "", f"holds no {', '.join('*' + end for end in _SUFFIXES)}")
        )
    return inside


def _objects(source: str, text: str, complaints: list[Complaint]) -> Iterator[Given]:
    """The objects of one text; Lists give their items."""
    number = 0
    try:
        for number, document in enumerate(_documents(text), start=1):
            if document is not None:
                yield from _flat(Place(source, number), document, complaints)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{source}, line {mark.line + 1}, column {mark.column + 1}" if mark else source
        complaints.append(Complaint(at, "", "", f"is not YAML: {error.problem or error.context}"))
    except (yaml.YAMLError, ValueError) as error:
        complaints.append(Complaint(f"{source}, document {number + 1}", "", "", f"is not YAML: {error}"))
    except RecursionError:
        complaints.append(Complaint(f"{source}, document {number + 1}", "", "", "is nested too deeply"))


def _documents(text: str) -> Iterator[Any]:
    """JSON is nearly YAML, but may be indented by tabs; what is not JSON is told as YAML."""
    if text.lstrip().startswith("{"):
        with suppress(json.JSONDecodeError):
            yield json.loads(text)
            return
    extent.check(text, _Base)
    yield from yaml.load_all(text, Loader=_Loader)


def _flat(place: Place, document: Any, complaints: list[Complaint]) -> Iterator[Given]:
    if not isinstance(document, Mapping):
        complaints.append(
            Complaint(str(place), "", "", "is not an object with apiVersion, kind and metadata")
        )
        return
    items = document.get("items")
    if not str(document.get("kind") or "").endswith("List") or not isinstance(items, list | None):
        yield Given(place, document)
        return
    for number, item in enumerate(items or [], start=1):
        yield from _flat(Place(place.source, place.document, number), _with_kind(document, item), complaints)


def _with_kind(whole: Manifest, item: Any) -> Any:
    """Items of a typed list (`kind: PodList`) may leave out what the list says."""
    kind = str(whole.get("kind")).removesuffix("List")
    if not isinstance(item, Mapping) or not kind:
        return item
    return {"kind": kind, "apiVersion": whole.get("apiVersion"), **item}
