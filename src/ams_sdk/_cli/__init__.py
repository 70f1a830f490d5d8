"""The ``ams`` command: it prints what the client and the reference server say, and computes nothing of its own."""
