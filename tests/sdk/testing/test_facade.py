from __future__ import annotations

import subprocess
import sys

import pytest

from ams_sdk import testing

PUBLIC = """
Account AgentRun CallError CapturedEvent CapturedLink CapturedSpan Cassette CassetteError CassetteMismatchError
ClockSkew Completion Disconnect DuplicateDelivery EmbeddingRequest FakeLLM Kit Latency Malformed MockPlatform
ModelCallRecord ModelRequest NetworkBlockedError PartialSuccess PlatformAssertionError PlatformContract
PlatformMachine PlatformRequest RateLimit RequestLog ScriptMismatchError SecretInCassetteError Status Timeout
TokenExpired ToolCall ToolStubMismatchError ToolStubs TraceAssertionError TraceCapture TraceView Usage agent_step
error model_step refusal run stream text thinking tool_call tool_calls tool_step turn
"""


def test_a_new_public_name_is_a_conscious_change():
    assert sorted(testing.__all__) == sorted(PUBLIC.split())
    assert dir(testing) == sorted(testing.__all__)


@pytest.mark.parametrize("name", testing.__all__)
def test_every_public_name_is_there(name):
    assert getattr(testing, name) is not None


def test_another_name_is_not_there():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        testing.nothing  # noqa: B018 -- the access is the test


@pytest.mark.parametrize("module", ["ams_sdk", "ams_sdk.testing", "ams_sdk.testing.plugin"])
def test_what_a_run_of_pytest_imports_anyway_is_nearly_nothing(module):
    script = f"import pytest, sys; before = set(sys.modules); import {module}; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in {
        str(["ams_sdk", *rest]) for rest in ([], ["ams_sdk.testing"], ["ams_sdk.testing", module])
    }


def test_pytest_is_loaded_by_the_plugin_only():
    script = f"import sys; from ams_sdk.testing import {', '.join(testing.__all__)}; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
