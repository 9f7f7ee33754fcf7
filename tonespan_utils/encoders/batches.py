"""Batches of utterances for an encoder: of one length each, for padding would change frames of group-normed models.

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TypeVar

TOGETHER_S = 20.0  # seconds of speech that go up together; XLS-R leaves some 90 MB a second for the way down
Kind = TypeVar("Kind", bound=Hashable)


def alike(kinds: Mapping[str, Kind], most: Callable[[Kind], int]) -> Iterator[list[str]]:
    """Names of utterances that may go through together: of one kind (their length, say), at most ``most(kind)``."""
    groups: dict[Kind, list[str]] = {}
    for name, kind in kinds.items():
        groups.setdefault(kind, []).append(name)
    for kind, names in groups.items():
        size = max(1, most(kind))
        yield from (names[i : i + size] for i in range(0, len(names), size))
