"""Accounts: register, log in, who am I, log out."""
