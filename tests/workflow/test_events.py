"""The logger plugin that Snakemake loads: which events it passes on, and that it stops nothing where it cannot."""

import importlib.util
import json
import logging
import os
import pkgutil

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from tonespan_utils.workflow import watching

NAME = "snakemake_logger_plugin_tonespan"


@pytest.fixture
def plugin():
    spec = importlib.util.spec_from_file_location(NAME, watching.PLUGINS / NAME / "__init__.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def passed_on(plugin, monkeypatch):
    """A function that logs an event, and gives what has arrived at the other end of the pipe."""
    read_end, write_end = os.pipe()
    monkeypatch.setenv(watching.EVENTS, str(write_end))
    handler = plugin.LogHandler(None, None)

    def log(event, **fields):
        record = logging.LogRecord("snakemake", logging.INFO, "", 0, "in words", None, None)
        record.__dict__.update(fields | {"event": event})
        handler.emit(record)
        handler.emit(logging.LogRecord("snakemake", logging.INFO, "", 0, "Building DAG", None, None))  # no event
        os.set_blocking(read_end, False)
        try:
            return [json.loads(line) for line in os.read(read_end, 65536).splitlines()]
        except BlockingIOError:
            return []

    yield log
    os.close(read_end)
    os.close(write_end)


def test_snakemake_finds_it_by_its_name(plugin):
    assert [each.name for each in pkgutil.iter_modules([str(watching.PLUGINS)]) if each.ispkg] == [NAME]
    assert watching.EVENTS == plugin.DESCRIPTOR and watching.OPTIONS == ["--logger", "tonespan"]
    assert set(plugin.FIELDS) <= {str(event) for event in LogEvent}


def test_a_step_that_begins_is_passed_on_with_what_names_it(passed_on):
    fields = {"jobid": 3, "rule_name": "finetune", "wildcards": {"seed": "1"}, "output": ["a.csv"], "reason": "new"}
    expected = {"event": "job_info", "text": "in words", **{name: fields[name] for name in list(fields)[:-1]}}
    assert passed_on(LogEvent.JOB_INFO, **fields) == [expected]


def test_what_nobody_asks_for_is_not(passed_on):
    assert passed_on(LogEvent.SHELLCMD, shellcmd="exec python") == []
    assert passed_on(LogEvent.JOB_FINISHED, job_id=3) == [{"event": "job_finished", "text": "in words", "job_id": 3}]


def test_without_anybody_at_the_other_end_nothing_happens(plugin, monkeypatch):
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, "x", None, None)
    record.event = LogEvent.JOB_FINISHED
    monkeypatch.delenv(watching.EVENTS, raising=False)
    plugin.LogHandler(None, None).emit(record)
    read_end, write_end = os.pipe()
    os.close(read_end)
    monkeypatch.setenv(watching.EVENTS, str(write_end))
    plugin.LogHandler(None, None).emit(record)  # a broken pipe
    os.close(write_end)
