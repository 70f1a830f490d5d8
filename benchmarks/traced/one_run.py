"""A program that does as little as can be: it imports, starts tracing, calls once and ends.

It prints when it had imported and when its call had ended, in seconds of ``time.monotonic``, which all processes of one
machine share.

    python one_run.py MODULE [URL FUNCTION [wait]]

With ``wait`` it ends when its standard input does.
"""
# No import that the module under test does not need itself: what is measured is its start.

import sys
import time

module = __import__(sys.argv[1])
imported = time.monotonic()
if len(sys.argv) > 2:  # noqa: PLR2004 -- more than the module
    module.start(sys.argv[2], "on")
    getattr(module, sys.argv[3])("otters", 3)
print(imported, time.monotonic(), flush=True)
if "wait" in sys.argv:
    sys.stdin.read()
