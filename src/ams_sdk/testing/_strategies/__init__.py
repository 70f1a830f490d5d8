"""What ``ams_sdk.testing.strategies`` is made of; hypothesis is imported here."""
