"""The command line: one file a noun; errors become exit codes here and nowhere else.

Exit code 0: done. 1: refused, with a clear message on stderr. 2: wrong usage.
"""

from __future__ import annotations

import os
import sys

from outreach.cli import show
from outreach.cli.app import app
from outreach.errors import OutreachError


def main() -> None:
    """Run the command line; never lets a traceback reach a person (OUTREACH_DEBUG=1 shows it)."""
    try:
        app()
    except OutreachError as error:
        show.refusal(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output (head, less) has left; pointing stdout elsewhere keeps the exit silent.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get("OUTREACH_DEBUG"):
            raise
        show.internal_fault(error)
        sys.exit(1)
