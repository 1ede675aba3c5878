"""The CRDs in crds/: are they what the models give, and do they say enough to their readers?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
import yaml
from crdgen import __main__ as crdgen
from crdgen import crd
from crdgen.schema import NotStructural, structural
from powertrain_operator.api import KINDS
from powertrain_operator.api.definition import AGE, Definition
from powertrain_operator.api.meta import Model, Object, Status
from powertrain_operator.api.rules import Keyed, rule
from pydantic import Field

CRDS = Path(__file__).parents[2] / "crds"

Schema = dict[str, Any]


def schema_of(kind: str) -> Schema:
    manifest = yaml.safe_load((CRDS / crd.file_name(KINDS[kind])).read_text("utf-8"))
    schema: Schema = manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def nodes(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every schema below this one, with its path."""
    yield path, schema
    for name, each in schema.get("properties", {}).items():
        yield from nodes(each, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from nodes(schema[key], f"{path}[]")


@pytest.fixture(params=list(KINDS))
def schema(request: pytest.FixtureRequest) -> Schema:
    return schema_of(request.param)


def test_the_files_are_what_the_models_give() -> None:
    assert crdgen.main(["--check", "--directory", str(CRDS)]) == 0


def test_a_file_that_is_not_what_the_models_give_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crdgen.main(["--directory", str(tmp_path)])
    stale = tmp_path / "queues.powertrain.dev.yaml"
    stale.write_text(stale.read_text("utf-8").replace("maximum: 1000", "maximum: 2000"), "utf-8")
    assert crdgen.main(["--check", "--directory", str(tmp_path)]) == 1
    assert f"{stale}: not what the models give" in capsys.readouterr().err


def test_a_file_of_no_kind_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crdgen.main(["--directory", str(tmp_path)])
    (tmp_path / "jobs.powertrain.dev.yaml").touch()
    assert crdgen.main(["--check", "--directory", str(tmp_path)]) == 1
    assert "jobs.powertrain.dev.yaml: belongs to no kind" in capsys.readouterr().err


def test_every_field_is_described_beginning_with_its_name(schema: Schema) -> None:
    fields = ((path, node) for path, node in nodes(schema) if "." in path and not path.endswith("[]"))
    for path, node in fields:
        name = path.rpartition(".")[2]
        if path.startswith(".metadata"):
            continue
        assert node.get("description", "").split(" ")[0].rstrip(",") == name, path


def test_every_field_of_a_spec_that_may_be_left_out_tells_its_default(schema: Schema) -> None:
    for path, node in nodes(schema["properties"]["spec"], ".spec"):
        for name, field in node.get("properties", {}).items():
            if name not in node.get("required", ()) and name != "nodeName":
                assert "Default: " in field["description"], f"{path}.{name}"


def test_every_number_of_a_spec_tells_its_bounds(schema: Schema) -> None:
    for path, node in nodes(schema["properties"]["spec"], ".spec"):
        if node.get("type") in ("integer", "number"):
            told = node["description"]
            assert any(words in told for words in ("At least ", "From ", "More than ")), path


def test_everything_that_can_grow_has_a_bound(schema: Schema) -> None:
    bounds = {"array": "maxItems", "string": "maxLength"}
    for path, node in nodes(schema):
        bound = "maxProperties" if "additionalProperties" in node else bounds.get(node.get("type", ""))
        assert bound is None or bound in node or "enum" in node, path


def test_a_status_has_no_defaults_so_that_absent_means_not_written_yet(schema: Schema) -> None:
    assert [path for path, node in nodes(schema["properties"]["status"]) if "default" in node] == []


def test_every_status_has_its_conditions_as_a_map_by_type(schema: Schema) -> None:
    conditions = schema["properties"]["status"]["properties"]["conditions"]
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    assert "observedGeneration" in conditions["items"]["properties"]


def test_the_files_stay_below_what_kubectl_can_apply() -> None:
    # `kubectl apply` keeps the whole manifest in an annotation, and those end at 256 KiB.
    assert max(path.stat().st_size for path in CRDS.glob("*.yaml")) < 200_000


class _Part(Model):
    """Something with a rule."""

    least: int = Field(default=0, description="least is the lower bound.")
    most: int | None = Field(default=None, gt=0, description="most is the upper bound.")

    @rule("self.least <= self.most", "least is more than most; lower least", field="least")
    def is_in_order(self) -> bool:
        return self.most is None or self.least <= self.most


class _Thing(Object[Model, Status]):
    """A kind for these tests."""

    definition: ClassVar[Definition] = Definition("things", "th", True, (AGE,))
    kind: Literal["Thing"] = "Thing"


def _spec(**fields: Any) -> Schema:
    """The schema of a spec with these fields."""
    annotations = {name: annotation for name, (annotation, _) in fields.items()}
    values = {name: value for name, (_, value) in fields.items()}
    spec = type("Spec", (Model,), {"__annotations__": annotations, "__doc__": "A spec.", **values})
    members = {"__annotations__": {"spec": spec}, "__module__": __name__, "__doc__": "A kind."}
    thing = type("Thing", (_Thing,), members)
    converted: Schema = structural(thing)["properties"]["spec"]
    return converted


def test_an_optional_field_is_the_field_without_null() -> None:
    field = _spec(part=(_Part | None, Field(default=None, description="part is optional.")))
    assert field["properties"]["part"]["type"] == "object"
    assert field["properties"]["part"]["description"] == "part is optional."
    assert "default" not in field["properties"]["part"]


def test_an_exclusive_bound_is_written_as_openapi_3_0_has_it() -> None:
    most = _spec(part=(_Part, Field(description="part.")))["properties"]["part"]["properties"]["most"]
    assert (most["minimum"], most["exclusiveMinimum"]) == (0, True)


def test_a_models_rule_is_written_beside_its_schema() -> None:
    part = _spec(part=(_Part, Field(description="part.")))["properties"]["part"]
    assert part["x-kubernetes-validations"] == [
        {
            "rule": "self.least <= self.most",
            "message": "least is more than most; lower least",
            "fieldPath": ".least",
        }
    ]


def test_a_field_of_several_types_is_refused() -> None:
    with pytest.raises(NotStructural, match=r"Thing\.spec\.odd: one of several types"):
        _spec(odd=(int | bool, Field(description="odd.")))


@pytest.mark.parametrize(
    ("annotation", "bound"),
    [
        (str, "maxLength"),
        (tuple[bool, ...], "maxItems"),
        (Annotated[tuple[_Part, ...], Keyed("least")], "maxItems"),
        (dict[str, bool], "maxProperties"),
    ],
)
def test_a_field_without_a_bound_is_refused(annotation: Any, bound: str) -> None:
    with pytest.raises(NotStructural, match=rf"Thing\.spec\.many: has no {bound}"):
        _spec(many=(annotation, Field(description="many.")))


def test_what_no_crd_can_say_is_refused() -> None:
    with pytest.raises(NotStructural, match=r"multipleOf is no part of a structural schema"):
        _spec(even=(int, Field(multiple_of=2, description="even.")))
