"""Secrets: how a password is kept and how a login is proved."""
