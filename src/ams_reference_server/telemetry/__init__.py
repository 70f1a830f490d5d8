"""Telemetry: OTLP in, traces out."""
