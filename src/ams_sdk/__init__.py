"""The SDK of AMS, an agent management system."""
