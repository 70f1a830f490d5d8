"""The agent registry: an agent, and the numbered revisions of its code."""
