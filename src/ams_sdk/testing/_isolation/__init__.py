"""A test that nothing leaves, and that leaves nothing behind."""

from ams_sdk.testing._isolation.environment import Environment, KeptPatch, Patch
from ams_sdk.testing._isolation.isolation import Isolation
from ams_sdk.testing._isolation.network import NetworkBlockedError

__all__ = ["Environment", "Isolation", "KeptPatch", "NetworkBlockedError", "Patch"]
