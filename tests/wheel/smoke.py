"""Try an installed wheel where the sources are not; run by ``nox -s wheel`` with the clean environment's own Python.

Usage: smoke.py sdk-alone | with-server
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
from importlib.metadata import distribution, version
from pathlib import Path

SITE = Path(sysconfig.get_path("purelib"))
AMS = Path(sys.executable).with_name("ams")


def main(installed: str) -> None:
    import ams_sdk  # noqa: PLC0415 -- to see it fail here, with the message below it

    assert Path(ams_sdk.__file__).is_relative_to(SITE), f"{ams_sdk.__file__} is not the installed package"
    assert ams_sdk.__version__ == version("ams-sdk")
    files = {str(path) for path in distribution("ams-sdk").files or ()}
    for needed in ("ams_sdk/py.typed", "ams_reference_server/py.typed", "ams_sdk/_cli/package_auditor.py"):
        assert needed in files, f"{needed} is not in the wheel"
    assert any(name.startswith("ams_reference_server/migrations/versions/") for name in files), "no migrations"
    assert not any(name.startswith(("tests", "examples", "benchmarks")) for name in files), "too much is in the wheel"
    decorated = ams_sdk.agent(version="1")(lambda question: question.upper())
    assert decorated("why") == "WHY"
    assert ams("version").stdout.startswith("ams-sdk")
    (without_server if installed == "sdk-alone" else with_server)()
    print(f"wheel, {installed}: fine")  # noqa: T201 -- a script's output


def without_server() -> None:
    without_pytest()
    for command in ("demo", "dev"):
        done = ams(command)
        assert (done.returncode, done.stdout) == (3, ""), done
        advice = "In the ams-sdk checkout run: python -m pip install '.[server]'"
        expected = f"ams: ams {command} needs the extra 'server', which is not installed. {advice}\n"
        assert done.stderr == expected, done.stderr


def without_pytest() -> None:
    from ams_sdk import agent  # noqa: PLC0415 -- the same
    from ams_sdk.testing import FakeLLM, Kit  # noqa: PLC0415 -- the same

    assert importlib.util.find_spec("pytest") is None
    with Kit() as kit, FakeLLM("Otters hold hands.") as model:
        researcher = agent(version="1")(lambda question: model.complete(question).text)
        assert researcher("why") == "Otters hold hands."
        kit.trace.agent().assert_succeeded()
        assert len(kit.platform.agents) == 1
        kit.verify()


def with_server() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-m", "ams_reference_server", "serve", "--port", "none"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, ""), done
    assert len(done.stderr.splitlines()) == 1, done.stderr


def ams(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([AMS, *arguments], capture_output=True, text=True, check=False)


if __name__ == "__main__":
    main(sys.argv[1])
