"""The one exception users are meant to read: what is wrong, where, and what to do, in one line."""


class TonespanError(Exception):
    """Bad input or environment. Commands print its message as one line and exit with status 2."""
