"""`powertrain plan`: what it answers, and what it says to input that it cannot use.

UPDATE_GOLDEN=1 writes the answers anew instead of comparing with them.
"""

import json
import os
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from powertrain_operator.api.time import from_rfc3339
from powertrain_operator.cli import main, plan

TESTDATA = Path(__file__).parent / "testdata"
NOW = from_rfc3339("2026-11-24T08:00:00Z")
CASES = sorted(path.name.removesuffix(".input.yaml") for path in TESTDATA.glob("*.input.yaml"))


def run(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(main, ["plan", *arguments], input=stdin)


def given(*documents: str) -> Result:
    """The answer to documents on standard input."""
    return run("-f", "-", "-o", "json", stdin="\n---\n".join(documents))


# --- answers


@pytest.mark.parametrize("form", ["json", "table"])
@pytest.mark.parametrize("case", CASES)
def test_the_answer_is_the_golden_one(case: str, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    plan.run((str(TESTDATA / f"{case}.input.yaml"),), None, form, NOW)
    answer = capsys.readouterr().out
    golden = TESTDATA / f"{case}.{form}"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(answer)
    assert answer == golden.read_text()


def test_the_example_of_the_page_is_what_comes_out() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "plan.md").read_text()
    (small,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (told,) = re.findall(r"\$ powertrain plan -f small.yaml\n(.*?)```", page, re.DOTALL)
    assert run("-f", "-", stdin=small).stdout == told


def test_yaml_says_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    paths = (str(TESTDATA / "reservation.input.yaml"),)
    plan.run(paths, None, "json", NOW)
    as_json = json.loads(capsys.readouterr().out)
    plan.run(paths, None, "yaml", NOW)
    assert yaml.safe_load(capsys.readouterr().out) == as_json
    assert list(as_json) == ["bindings", "evictions", "waiting", "reservations", "records"]


def test_folders_files_and_json_may_be_mixed(tmp_path: Path) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": {"capacity": {"cpu": 4}}}
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "node.json").write_text(json.dumps(node, indent="\t"))
    (tmp_path / "deep" / "notes.txt").write_text("not: [a manifest")
    pod = tmp_path / "pod"
    pod.write_text(POD)
    result = run("-f", str(tmp_path / "deep"), "-f", str(pod), "-o", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert [each["node"] for each in json.loads(result.stdout)["bindings"]] == ["n"]


def test_a_node_written_by_hand_has_its_name_as_host_name() -> None:
    pod = POD.replace("spec: {", "spec: {nodeSelector: {kubernetes.io/hostname: n}, ")
    assert [each["node"] for each in json.loads(given(NODE, pod).stdout)["bindings"]] == ["n"]


def test_objects_without_a_namespace_are_in_the_default_one() -> None:
    bindings = json.loads(given(NODE, POD).stdout)["bindings"]
    assert bindings == [{"namespace": "default", "pod": "p", "node": "n", "devices": [], "share": None}]


def test_other_kinds_are_ignored_with_a_note() -> None:
    result = given(NODE, POD, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", OTHER_SERVICE)
    assert result.exit_code == 0
    assert "ignored" in result.stderr and "1 ConfigMap, 1 InferenceService" in result.stderr


def test_a_pod_on_a_node_that_was_not_given_is_noted() -> None:
    result = given(NODE, POD.replace("containers:", "nodeName: elsewhere, containers:"))
    assert result.exit_code == 0
    assert "pod default/p is on node elsewhere, which is not among the input" in result.stderr


def test_an_empty_document_is_no_document() -> None:
    assert given("", NODE, "# only a comment", POD, "").exit_code == 0


# --- input that cannot be used


NODE = "{apiVersion: v1, kind: Node, metadata: {name: n}, status: {capacity: {cpu: 4, memory: 8Gi}}}"
POD = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {schedulerName: powertrain, containers: [{name: c}]}}"
OTHER_SERVICE = "{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, metadata: {name: a}}"
JOB = """
apiVersion: powertrain.dev/v1alpha1
kind: TrainingJob
metadata: {name: llm, namespace: team-a}
spec:
  framework: tensorflow
  workers: {replicas: 0, template: {spec: {containers: [{name: main, image: a}]}}}
"""

BAD: dict[str, tuple[str, list[str]]] = {
    "every mistake of one of our objects is named with its path": (
        JOB,
        [
            "error: standard input, document 1: TrainingJob team-a/llm: spec.framework: must be one of",
            "error: standard input, document 1: TrainingJob team-a/llm: spec.workers.replicas: must be at least 1",
        ],
    ),
    "mistakes in several documents are all named": (
        "\n---\n".join(
            (
                POD.replace("[{name: c}]", "[]"),
                NODE.replace("cpu: 4", "cpu: four"),
                "{apiVersion: v1, kind: Pod, metadata: {}}",
            )
        ),
        [
            "document 1: Pod default/p: spec.containers: must have at least one container",
            "document 2: Node n: status.capacity[cpu]: 'four' is not a quantity",
            "document 3: Pod default/(no name): metadata.name: is required",
        ],
    ),
    "a field of the wrong type is named with what it must be": (
        POD.replace("containers:", "priority: high, containers:"),
        ["document 1: Pod default/p: spec.priority: must be a whole number, is text"],
    ),
    "a node that offers nothing is told which field is missing": (
        "{apiVersion: v1, kind: Node, metadata: {name: n}}",
        ["document 1: Node n: status.allocatable: is required (or status.capacity)"],
    ),
    "an object that is given twice is told where the first one is": (
        f"{NODE}\n---\n{POD}\n---\n{NODE}",
        ["document 3: Node n: is given twice; the first is in standard input, document 1"],
    ),
    "items of a list are counted": (
        "{apiVersion: v1, kind: List, items: [" + NODE + ", {apiVersion: v1, kind: Node, metadata: 1}]}",
        ["standard input, document 1, item 2: Node (no name): metadata: must be a mapping"],
    ),
    "broken YAML is told with line and column": (
        f"{NODE}\n---\nkind: [Pod\n",
        ["standard input, line 4, column 1: is not YAML"],
    ),
    "a key that is given twice is a mistake": (
        "{apiVersion: v1, kind: Node, kind: Pod}",
        ["is not YAML: key 'kind' is given twice"],
    ),
    "text is no object": ("just words", ["document 1: is not an object with apiVersion, kind and metadata"]),
    "a version that is not ours is refused": (
        "{apiVersion: powertrain.dev/v9, kind: Queue, metadata: {name: q}}",
        ["document 1: Queue q: apiVersion: must be powertrain.dev/v1alpha1"],
    ),
    "YAML that refers to itself is refused": (
        "{apiVersion: v1, kind: Node, metadata: {name: n, labels: &a {x: *a}}}",
        ["document 1: Node n: is nested too deeply, or refers to itself"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case: str) -> None:
    text, wanted = BAD[case]
    result = given(text)
    assert (result.exit_code, result.stdout) == (2, "")
    lines = result.stderr.splitlines()
    assert len(lines) == len(wanted), result.stderr
    for line, part in zip(lines, wanted, strict=True):
        assert line.startswith("error: ") and part in line


def test_a_file_that_is_not_there_and_one_that_is_no_text_are_both_named(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe")
    result = run(
        "-f", str(tmp_path / "nowhere.yaml"), "-f", str(binary), "-f", str(TESTDATA.parent / "testdata")
    )
    assert result.exit_code == 2
    assert "nowhere.yaml: cannot be read: No such file or directory" in result.stderr
    assert "binary.yaml: is not text in UTF-8" in result.stderr


def test_a_folder_without_manifests_is_a_mistake(tmp_path: Path) -> None:
    result = run("-f", str(tmp_path))
    assert result.exit_code == 2
    assert "holds no *.yaml, *.yml, *.json" in result.stderr


@pytest.mark.parametrize("arguments", [(), ("-f", "x", "--cluster")])
def test_either_files_or_the_cluster_is_wanted(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "give either -f PATH (once or more) or --cluster" in result.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "nested more than"),
        (
            "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 11)),
            "its aliases stand for",
        ),
    ],
    ids=["brackets", "aliases"],
)
def test_a_text_made_to_exhaust_the_reader_is_refused(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "bomb.yaml"
    file.write_text(text)
    result = CliRunner().invoke(main, ["plan", "-f", str(file)])
    assert result.exit_code == 2
    assert said in result.stderr
