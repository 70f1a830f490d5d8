"""What is started inside of a run goes on in it: threads, pools and processes get the context of whoever starts them.

Nothing is patched before the SDK is configured, and everything is as it was after it is shut down.
"""

from ams_sdk._handover.patches import install, uninstall

__all__ = ["install", "uninstall"]
