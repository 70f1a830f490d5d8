"""What tools answer in a test, in the place of what they do."""

from ams_sdk.testing._tools.stub import StubbedCall
from ams_sdk.testing._tools.stub_report import ToolStubMismatchError
from ams_sdk.testing._tools.tool_stubs import ToolStub, ToolStubs

__all__ = ["StubbedCall", "ToolStub", "ToolStubMismatchError", "ToolStubs"]
