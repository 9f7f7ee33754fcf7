"""What made a figure is inside it, in all three formats, and equal figures are equal bytes."""

import matplotlib.pyplot as plt
import pytest

from tonespan_utils import params, provenance
from tonespan_utils.errors import TonespanError


@pytest.fixture
def record():
    return provenance.describe(
        params.load("demo"),
        notebook="notebooks/05_rcom_comparison.ipynb",
        call="figures.save(",
        figure="x",
        checkpoints={"mini": "sha256:0"},
        data='a "quoted" (name) & é',
    )


def draw():
    figure, axis = plt.subplots(figsize=(2, 1))
    axis.plot([0, 1], label="a")
    axis.legend()
    return figure


def test_record_survives_in_every_format(tmp_path, record):
    for path in provenance.save(draw(), tmp_path / "sub" / "x", record):
        assert provenance.read(path) == record, path.suffix
    assert record["params"]["profile"] == "demo" and record["command"] == "make figure NAME=x PROFILE=demo"


def test_equal_figures_are_equal_bytes(tmp_path, record):
    first = provenance.save(draw(), tmp_path / "a", record)
    second = provenance.save(draw(), tmp_path / "b", record)
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.suffix


def test_files_without_a_record_are_refused(tmp_path):
    for kind in provenance.FORMATS:
        draw().savefig(tmp_path / f"plain.{kind}")
        with pytest.raises(TonespanError, match="carries no provenance"):
            provenance.read(tmp_path / f"plain.{kind}")
    with pytest.raises(TonespanError, match="not a figure or page"):
        provenance.read(tmp_path / "table.csv")
    with pytest.raises(TonespanError, match="cannot be read"):
        provenance.read(tmp_path / "missing.png")
