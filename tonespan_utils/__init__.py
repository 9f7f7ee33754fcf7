"""tonespan: how far do self-supervised speech models listen for tone?

``measure_span`` is the study's instrument as one call, for any model and anyone's segments; see ``measure``.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, which would be most of the time before a command can hear a signal
if TYPE_CHECKING:
    from tonespan_utils.measure import measure_span

__all__ = ["measure_span"]


def __getattr__(name: str) -> object:
    if name == "measure_span":  # here, for it brings torch and transformers, which most commands do without
        from tonespan_utils.measure import measure_span

        return measure_span
    raise AttributeError(f"module 'tonespan_utils' has no attribute {name!r}")
