"""The main job as its user runs it: real processes, a real port, a real terminal's signals."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import ams_sdk


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Where the demo makes its temporary folder, so that a test can see whether it is gone."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def demo(*options, **environ):
    return subprocess.run(
        [sys.executable, "-m", "ams_sdk._cli.main", "demo", *options],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_demo_shows_an_agent_and_its_trace_and_leaves_nothing_behind(scratch):
    done = demo()
    assert (done.returncode, done.stderr) == (0, "")
    steps = re.findall(r"^ *\d+\.\d s  (.+)$", done.stdout, re.MULTILINE)
    assert [step.split(" ")[0] for step in steps] == ["reference", "registered", "package_auditor", "read", "server"]
    assert "equal to what ran" in steps[3]
    assert re.search(r"└── agent package_auditor  [\d.]+ m?s", done.stdout)
    assert re.search(r"├── tool measure_sizes  [\d.]+ m?s", done.stdout)
    assert list(scratch.iterdir()) == []
    assert not Path(os.environ["AMS_STATE_DIR"]).exists()


def test_the_document_holds_the_record_the_trace_and_the_audit(scratch):
    done = demo("--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["agent"]["name"] == "package_auditor"
    assert len(document["agent"]["revision"]["tools"]) == 8
    spans = document["trace"]["spans"]
    assert spans[0]["name"] == "invoke_agent package_auditor"
    licences = [span for span in spans if span["name"] == "execute_tool licence_of"]
    assert len(licences) == document["audit"]["examined"]
    failed = [span for span in licences if span["status"] == "error"]
    unclear = [one for one in document["audit"]["findings"] if one["kind"] == "licence"]
    assert len(failed) == len(unclear)
    assert {span["attributes"]["error.type"] for span in failed} <= {"package_auditor.LicenceUnknownError"}
    assert "equal to what ran" in done.stderr


@pytest.mark.slow
def test_the_users_own_settings_do_not_reach_the_demo(scratch, tmp_path):
    elsewhere = tmp_path / "production.db"
    done = demo(
        AMS_DATABASE_URL=f"sqlite:///{elsewhere}",
        AMS_ENV="production",
        AMS_ENDPOINT="http://127.0.0.1:9",
        AMS_API_KEY="the-users-own-key",
        AMS_ENABLED="false",
        AMS_SAMPLE_RATE="0",
        AMS_CAPTURE_CONTENT="false",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not elsewhere.exists()


def test_with_opentelemetry_turned_off_it_says_so(scratch):
    done = demo(OTEL_SDK_DISABLED="true")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ams: OTEL_SDK_DISABLED turns all tracing off; unset it to see the demo.\n"


def kept(scratch):
    process = subprocess.Popen(
        [sys.executable, "-m", "ams_sdk._cli.main", "demo", "--keep"], stdout=subprocess.PIPE, text=True
    )
    said = ""
    for line in process.stdout:
        said += line
        if "ams traces show" in line:
            break
    return process, said


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_kept_it_can_be_looked_at_until_it_is_ended(scratch, number, code):
    process, said = kept(scratch)
    address, email, password, trace_id = re.search(
        r"ams login --endpoint (\S+) --email (\S+)\s+(\S+)  \(the password\)\s+ams traces show (\w+)", said
    ).groups()
    with ams_sdk.Client(endpoint=address) as client:
        client.auth.login(email=email, password=password)
        assert client.traces.get(trace_id).agent == "package_auditor"
    process.send_signal(number)
    process.stdout.read()
    process.stdout.close()
    assert process.wait(30) == code
    assert list(scratch.iterdir()) == []
    with pytest.raises(ams_sdk.PlatformUnreachableError), ams_sdk.Client(endpoint=address) as client:
        client.auth.login(email=email, password=password)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL to send")
def test_killed_it_leaves_no_server(scratch):
    process, said = kept(scratch)
    address = re.search(r"http://127\.0\.0\.1:\d+", said)[0]
    process.kill()
    process.stdout.close()
    process.wait(30)
    with ams_sdk.Client(endpoint=address, api_key="none") as client:
        wait_until_unreachable(client)


def wait_until_unreachable(client):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            client.users.me()
        except ams_sdk.PlatformUnreachableError:
            return
        except (ams_sdk.AuthenticationError, ams_sdk.ProtocolError):  # it serves, or is about to end
            time.sleep(0.05)  # there is nothing to wait on: the server is not our child
    pytest.fail("the server outlives the demo that was killed")
