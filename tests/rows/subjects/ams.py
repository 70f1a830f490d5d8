"""This SDK."""

from __future__ import annotations

import time

from tests.rows.exporter import FileExporter
from tests.rows.seen import read
from tests.rows.subject import Setup, Typed
from tests.rows.subjects import open_telemetry

import ams_sdk


class Ams:
    name = "ams"
    distributions = ("ams-sdk",)
    typed = Typed("from ams_sdk import tool as deco", 'deco(name="heron")', 'deco(entrypoint="search")')
    note = "`ams_sdk.configure(endpoint=…, api_key=…, exporters=[…])`"
    secret = ams_sdk.Secret
    agent = staticmethod(ams_sdk.agent)
    tool = staticmethod(ams_sdk.tool)
    extract = staticmethod(ams_sdk.extract)
    inject = staticmethod(ams_sdk.inject)
    arrived = staticmethod(open_telemetry.arrived)

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.records = setup.state != "unconfigured" and setup.file is not None

    def configure(self) -> None:
        if self.setup.state == "unconfigured":
            return
        down = self.setup.state == "down"
        ams_sdk.configure(
            endpoint=self.setup.address,
            api_key="a-key" if self.setup.address else None,
            exporters=[FileExporter(self.setup.file)] if self.setup.file else [],
            spool_dir=self.setup.folder / "spool",
            # Where every check ends with a backend that is down, the default would be two seconds each.
            exit_timeout=0.05 if down else None,
        )

    def close(self) -> None:
        ams_sdk.shutdown()

    def spans(self):
        # With the backend down a flush takes as long as it may, and what matters here is the file.
        deadline = time.monotonic() + 10
        while not ams_sdk.flush(0.02 if self.setup.state == "down" else 10) and time.monotonic() < deadline:
            stats = ams_sdk.stats()
            # Not what waits: a batch that is being written does not wait any more.
            if all(count == stats.exported[name] for name, count in stats.created.items() if name != "platform"):
                break
        return read(self.setup.file)


SUBJECT = Ams
