import os
import subprocess
import sys

import pytest

import ams_sdk

PUBLIC = """
AMSError APIError AsyncClient AuthenticationError Client ConfigurationError ConflictError DemoMismatchError
InvalidCredentialsError InvalidRequestError LoginExpiredError MissingExtraError ModelCall NotFoundError NotLoggedInError
PermissionDeniedError PlatformTimeoutError PlatformUnreachableError PortTakenError ProtocolError RateLimitedError
Run Secret ServerError ServerStartError StateFolderError Stats __version__ agent configure current_run extract flush
inject model_call session shutdown span stats tool workflow
"""


def test_a_new_public_name_is_a_conscious_change():
    assert sorted(ams_sdk.__all__) == sorted(PUBLIC.split())
    assert dir(ams_sdk) == sorted(ams_sdk.__all__)


@pytest.mark.parametrize("name", ams_sdk.__all__)
def test_every_public_name_is_there(name):
    assert getattr(ams_sdk, name) is not None


def test_another_name_is_not_there():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ams_sdk.nothing  # noqa: B018 -- the access is the test


def test_decorating_loads_nothing_heavy():
    script = (
        "import sys, ams_sdk\n"
        "@ams_sdk.agent\n"
        "def f(): return 1\n"
        "assert f() == 1\n"
        "heavy = {'httpx', 'pydantic', 'rich', 'click', 'requests', 'google.protobuf', 'opentelemetry.sdk', 'grpc'}\n"
        "heavy.add('ams_sdk._model_calls.model_call')\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    environ = {name: value for name, value in os.environ.items() if name != "PYTEST_VERSION"}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
