"""The README's program does what the README shows: run as it stands, and read back with the command that it names."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from ams_sdk._cli.server_process import ServerProcess

README = Path(__file__).parents[2] / "README.md"


def blocks(language):
    return re.findall(rf"^```{language}\n(.+?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def without_times(text):
    text = re.sub(r"\d+(\.\d+)? (ns|µs|ms|s)\b", "TIME", text)
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "DATE", text).strip()


def ams(*arguments, stdin=""):
    command = [sys.executable, "-m", "ams_sdk._cli.main", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True, timeout=60).stdout


def test_the_first_program_makes_the_tree_below_it(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTEST_VERSION")
    program, tree = blocks("python")[0], blocks("text")[0]
    with ServerProcess("a test", port=0, state_folder=tmp_path, environment={"AMS_BCRYPT_COST": "4"}) as server:
        monkeypatch.setenv("AMS_ENDPOINT", server.address)
        ams("register", "--email", "ada@example.org", "--password-stdin", stdin="Correct-horse-1\n")
        script = tmp_path / "program.py"
        script.write_text(program, encoding="utf-8")
        done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 1
        assert done.stderr.endswith("KeyError: 'Atlantis'\n")
        (summary,) = json.loads(ams("traces", "list", "--json"))["items"]
        shown = ams("traces", "show", summary["trace_id"])
    assert without_times(shown) == without_times(tree), shown


def test_the_program_stands_on_the_first_screen():
    lines = README.read_text(encoding="utf-8").splitlines()
    assert lines.index("```python") < 10
    assert "```text" in lines[:30]


def test_every_page_that_it_links_to_is_there():
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []


def test_its_commands_are_the_ones_that_ci_runs():
    ci = (README.parent / ".ci" / "run").read_text(encoding="utf-8")
    install, test = [block.strip() for block in blocks("sh")[:2]]
    assert install == "python -m pip install '.[server]' && ams demo"
    assert test.replace("install nox", "install --quiet nox") in ci
    assert os.access(README.parent / ".ci" / "run", os.X_OK)
