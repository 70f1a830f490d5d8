"""A stateful test that anybody runs against their own platform."""

from ams_sdk.testing._machine.platform_machine import PlatformMachine

__all__ = ["PlatformMachine"]
