"""What `tollgate lint` reads and how much of it, where a finding is, and the command's own words."""

import json
from pathlib import Path

import pytest
import yaml

from harness import SANITIZER
from lint_bench import CLEAN, PROC, Tree, checks, lint, lint_objects, manifests


def test_a_finding_names_file_line_object_field_and_remedy(tmp_path):
    file = tmp_path / "all.yaml"
    text = CLEAN.read_text()
    file.write_text(text.replace("failOpen: false", "failOpen: true", 1))
    line = file.read_text().splitlines().index("    failOpen: true") + 1
    status, _, text = lint(file)
    assert status == 1
    assert f"{file}:{line}: error: SecurityPolicy ai-gateway/tollgate spec.extAuth.failOpen: " in text
    assert "[fail-open]\n    remedy: " in text
    assert "1 error, 0 warnings" in text


def test_a_policys_problem_is_on_its_line_in_the_configmap(tmp_path):
    file = tmp_path / "all.yaml"
    file.write_text(CLEAN.read_text().replace("version: 1,", "version: 1, tennants: {},"))
    line = next(
        number for number, text in enumerate(file.read_text().splitlines(), 1) if "tennants" in text
    )
    status, found, text = lint(file, "--json")
    assert status == 1 and "policy" in checks(found), text
    problem = next(one for one in found if one["check"] == "policy")
    assert (problem["line"], problem["field"]) == (line, "data[policy.json5]")
    assert "tenants" in problem["message"]


BROKEN = {
    "no YAML": ("a: [1, 2\nb: c\n", 2),
    "a key given twice": ("a: 1\nb: 2\na: 3\n", 3),
    "a key given twice, deep": ("a:\n  - b: 1\n    b: 2\n", 3),
    "a tab": ("a:\n\tb: 1\n", 2),
    "an anchor nobody set": ("a: 1\nb: *x\n", 2),
    "an anchor that contains itself": ("b: 1\na: &x\n  - *x\n", 2),
    "no UTF-8": (b"a: 1\nb: \xff\n", 2),
    "too deep": ("\n" + "[" * 101 + "]" * 101, 2),
    "laughs": (
        "a0: &a0 [x, x]\n"
        + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9)), 7),
}  # fmt: skip


def test_broken_files_are_told_by_file_and_line(tmp_path):
    for number, (text, _) in enumerate(BROKEN.values()):
        data = text.encode() if isinstance(text, str) else text
        (tmp_path / f"{number}.yaml").write_bytes(data)
    (tmp_path / "good.yaml").write_text(CLEAN.read_text() + "---\n" + "[" * 100 + "]" * 100)
    status, found, text = lint(tmp_path, "--json")
    assert status == 1, text
    assert checks(found) == {"broken-file"}, text
    lines = {Path(one["file"]).name: one["line"] for one in found}
    assert lines == {f"{number}.yaml": line for number, (_, line) in enumerate(BROKEN.values())}


def test_anchors_merges_lists_and_many_documents_are_read(tmp_path):
    tree = Tree(manifests())
    tree.set("EnvoyExtensionPolicy", f"{PROC}.failOpen", True)
    half = len(tree.objects) // 2
    items = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": tree.objects[:half]})
    rest = yaml.safe_dump_all(tree.objects[half:])
    (tmp_path / "some.yml").write_text("---\n# nothing\n---\n" + items + "---\n" + rest)
    (tmp_path / "other.yaml").write_text(
        "kind: Unheard\napiVersion: of/v1\nspec: &s { failOpen: true }\nmore: { <<: *s }\n"
    )
    (tmp_path / "notes.txt").write_text("{{{")
    status, found, text = lint(tmp_path, "--json")
    assert (status, checks(found)) == (1, {"fail-open"}), text
    assert found[0]["file"].endswith("some.yml")


def test_yaml_and_json_are_read_alike(tmp_path):
    tree = Tree(manifests()).set("EnvoyExtensionPolicy", f"{PROC}.failOpen", True)
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(tree.objects))
    as_yaml = lint(tmp_path / "all.yaml", "--json")[1]
    as_json = lint_objects(tree.objects)[1]
    assert [one["message"] for one in as_yaml] == [one["message"] for one in as_json]
    assert as_yaml[0]["object"] == as_json[0]["object"]


FILE_BYTES_MAX, TOTAL_BYTES_MAX, FILES_MAX = 8 << 20, 64 << 20, 4096
DIRECTORY_DEPTH_MAX, FINDINGS_MAX = 32, 1000
# What is given need not be something that lint knows.
ANYTHING = ("--ignore", "not-checked")


def test_a_file_that_is_too_large_is_refused(tmp_path):
    file = tmp_path / "large.yaml"
    file.write_bytes(b"a: 1\n#" + b"x" * (FILE_BYTES_MAX - 6))
    assert lint(file, *ANYTHING)[0] == 0
    with file.open("ab") as more:
        more.write(b"x")
    status, _, text = lint(file)
    assert status == 1 and "fileBytesMax" in text


@pytest.mark.skipif(bool(SANITIZER), reason="64 MiB keep a sanitized binary busy for minutes")
def test_files_that_are_too_much_together_are_refused(tmp_path):
    count = TOTAL_BYTES_MAX // FILE_BYTES_MAX
    for number in range(count):
        (tmp_path / f"{number}.json").write_bytes(b"{}" + b" " * (FILE_BYTES_MAX - 2))
    assert lint(tmp_path, *ANYTHING)[0] == 0
    (tmp_path / f"{count}.json").write_bytes(b"1")
    status, _, text = lint(tmp_path)
    assert status == 1 and "totalBytesMax" in text


def test_too_many_files_are_refused(tmp_path):
    for number in range(FILES_MAX):
        (tmp_path / f"{number}.json").write_text("{}")
    assert lint(tmp_path, *ANYTHING)[0] == 0
    (tmp_path / "more.json").write_text("{}")
    status, _, text = lint(tmp_path)
    assert status == 1 and "filesMax" in text


def test_directories_that_are_too_deep_are_refused(tmp_path):
    (tmp_path / "/".join("d" * DIRECTORY_DEPTH_MAX)).mkdir(parents=True)
    assert lint(tmp_path, *ANYTHING)[0] == 0
    (tmp_path / "/".join("d" * (DIRECTORY_DEPTH_MAX + 1))).mkdir()
    status, _, text = lint(tmp_path)
    assert status == 1 and "directoryDepthMax" in text


@pytest.mark.parametrize("over", [0, 1])
def test_findings_are_printed_up_to_a_number_and_counted_beyond(over):
    """Each certificate of another namespace is a finding of its own."""
    count = FINDINGS_MAX + over
    gateway = Tree(manifests()).find("Gateway")
    gateway["spec"]["listeners"][0]["tls"]["certificateRefs"] = [
        {"kind": "Secret", "name": f"tls-{number}", "namespace": "certificates"}
        for number in range(count)
    ]
    printed = lint("-", *ANYTHING, text=json.dumps(gateway))[2]
    assert printed.count("[missing-reference-grant]") == FINDINGS_MAX
    assert f"{count} warnings in " in printed
    assert ("; 1 more are not shown" in printed) == bool(over)
    report = json.loads(lint_objects([gateway], *ANYTHING)[2].splitlines()[0])
    assert (len(report["findings"]), report["warnings"]) == (FINDINGS_MAX, count)


def test_nothing_runs_from_the_directory_that_is_looked_at(tmp_path):
    (tmp_path / "yaml.py").write_text("raise SystemExit('ran')\n")
    (tmp_path / "all.yaml").write_text(CLEAN.read_text())
    status, _, text = lint("all.yaml", cwd=tmp_path, environment={"PYTHONPATH": str(tmp_path)})
    assert status == 0, text


def test_a_check_can_be_left_out():
    tree = Tree(manifests()).set("EnvoyExtensionPolicy", f"{PROC}.failOpen", True)
    assert lint_objects(tree.objects)[0] == 1
    assert lint_objects(tree.objects, "--ignore", "fail-open")[:2] == (0, [])
    assert lint_objects(tree.objects, "--ignore", "broken-file,fail-open")[:2] == (0, [])


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "PATH is missing"),
        (["--ignore", "fail-opne", "-"], "did you mean `fail-open`"),
        (["--nonsense", "-"], "unknown flag"),
    ],
)
def test_wrong_usage_is_2(arguments, words):
    status, _, text = lint(*arguments)
    assert status == 2 and words in text, text


def test_what_is_not_there_is_1(tmp_path):
    status, _, text = lint(tmp_path / "nothing.yaml")
    assert status == 1 and "nothing.yaml" in text
