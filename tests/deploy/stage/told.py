"""How a check is told: a line each, and at the end an exit code. 0: all hold; 1: one does not; 77: cannot be tried here."""

import sys
import time

CANNOT = 77
_began = time.monotonic()
_failed = []


def check(holds, what, more=""):
    """Tells whether `what` holds. `more` is shown where it does not."""
    print(f"{'ok  ' if holds else 'FAIL'} {what}" + (f"\n     {more}" if more and not holds else ""), flush=True)
    if not holds:
        _failed.append(what)
    return holds


def measured(what):
    """Tells a measurement."""
    print(f"     {what}", flush=True)


def cannot(why):
    """Ends: this machine does not allow what is tested. Loud, and no success."""
    print(f"CANNOT BE TRIED HERE: {why}", file=sys.stderr, flush=True)
    sys.exit(CANNOT)


def end():
    """Ends the process with what came of it."""
    print(f"     {time.monotonic() - _began:.1f} s", flush=True)
    if _failed:
        print(f"{len(_failed)} failed: " + "; ".join(_failed), file=sys.stderr)
    sys.exit(1 if _failed else 0)
