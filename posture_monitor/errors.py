"""The one error a user is meant to read."""

from __future__ import annotations


class UserError(Exception):
    """Bad input or a missing need, told in one line: what is wrong, where, and what to do.

    The command line prints it without a traceback and leaves with status 2;
    ``-v`` shows the traceback as well.
    """
