"""A program runs as a process, its trace becomes a test by ``ams traces to-test``, and pytest runs that in another."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

from ams_sdk.testing import FakeLLM, MockPlatform

__all__ = ["Project"]


class Project:
    """A folder with a program ``otters.py``, a platform on a port, and a scripted model.

    Args:
        folder: an empty one.
        source: the program; run as a script it runs its agent.
    """

    def __init__(self, folder, source):
        self.folder = folder
        self.platform = MockPlatform()
        self.write(source)

    def write(self, source):
        (self.folder / "otters.py").write_text(source, encoding="utf-8")

    def record(self, *steps, trace_id=None):
        """Run the program, and write the test of its trace."""
        with self.platform.serve(), FakeLLM(*steps) as model:
            keys = {"AMS_ENDPOINT": self.platform.url, "AMS_API_KEY": self.platform.api_key}
            program = self._python("otters.py", **keys, **model.environment())
            assert program.code == 0, program.out
            spans = self.platform.spans
            self.trace_id = trace_id or spans[0].trace_id
            written = self._python("-m", "ams_sdk._cli.main", "traces", "to-test", self.trace_id, **keys)
        assert written.code == 0, written.out
        self.said = written.out
        (self.file,) = self.folder.glob("test_*.py")
        return self.file.read_text(encoding="utf-8")

    def pytest(self):
        """Run the written test."""
        options = ("-q", "-p", "no:cacheprovider", "-p", "no:schemathesis")
        return self._python("-m", "pytest", *options, self.file.name)

    def fails(self, source):
        """What the written test says of another program; it must fail."""
        self.write(source)
        result = self.pytest()
        assert result.code in {1, 2}, result.out  # 2 if it cannot even be imported
        return result.out

    def _python(self, *arguments, **variables):
        # Nothing of these tests' own settings, as somebody's terminal would have it.
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("AMS_", "OTEL_", "PYTEST_"))
        }
        state = {"AMS_STATE_DIR": str(self.folder / "state"), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=inherited | state | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=120,
        )
        return SimpleNamespace(code=done.returncode, out=done.stdout.decode())
