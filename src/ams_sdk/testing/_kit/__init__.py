"""What the fixtures of one test share."""

from ams_sdk.testing._kit.kit import Kit
from ams_sdk.testing._kit.marker import wanted_by

__all__ = ["Kit", "wanted_by"]
