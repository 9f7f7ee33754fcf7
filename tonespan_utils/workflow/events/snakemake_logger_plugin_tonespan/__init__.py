"""A logger plugin of Snakemake that writes down which steps begin, end and fail: one JSON object a line.

The lines go to the open file whose number is in the environment (``TONESPAN_EVENTS``): a pipe, at whose other end
:mod:`tonespan_utils.workflow.watching` reads. Snakemake's own messages go where they go without it.

Source: Snakemake's interface for logger plugins (snakemake-interface-logger-plugins).
Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import json
import os
from logging import LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase

DESCRIPTOR = "TONESPAN_EVENTS"
FIELDS = {  # of each event that is passed on
    "run_info": ("stats",),
    "job_info": ("jobid", "rule_name", "wildcards", "output"),
    "job_finished": ("job_id",),
    "job_error": ("jobid",),
    "error": (),
}


class LogHandler(LogHandlerBase):
    """Passes events on; one that cannot be written is lost, and stops nothing."""

    writes_to_stream = False
    writes_to_file = False
    has_filter = True  # events come however quiet Snakemake is told to be
    has_formatter = True
    needs_rulegraph = False

    def emit(self, record: LogRecord) -> None:
        """Write one event, where it is among FIELDS."""
        event = str(getattr(record, "event", "")).rpartition(".")[2].lower()
        if event in FIELDS:
            kept = {name: getattr(record, name, None) for name in FIELDS[event]}
            line = json.dumps({"event": event, "text": record.getMessage(), **kept}, default=str)
            try:
                os.write(int(os.environ[DESCRIPTOR]), f"{line}\n".encode())
            except (OSError, KeyError, ValueError):
                return
