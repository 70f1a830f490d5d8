"""The reference server of AMS: accounts, an agent registry, and OTLP intake, over one SQL database."""
