"""The explorer in a notebook: JupyterLab, Voila and whatever else shows an anywidget.

The kernel hands over the bundle once; it is asked again only to measure a recording of the reader's own.

Notebook: notebooks/explorer
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anywidget
import ipywidgets
import traitlets

from tonespan_utils.errors import TonespanError
from tonespan_utils.paper import provenance
from tonespan_utils.paper.explorer import bundle, script
from tonespan_utils.params import profile as params_module
from tonespan_utils.params.profile import Params

NOTEBOOK = "notebooks/explorer.ipynb"


class Explorer(anywidget.AnyWidget):
    """All measured tokens of a finished run.

    ``address`` is what it shows, to read or to set: ``language=th&token=...``, the part of a link after ``#``.
    """

    _esm = script.module()
    _css = script.style()
    header = traitlets.Dict().tag(sync=True)
    packed = traitlets.Bytes().tag(sync=True)
    address = traitlets.Unicode("").tag(sync=True)  # what is shown, as the page has it after #
    can_measure = traitlets.Bool(True).tag(sync=True)

    def __init__(self, params: Params, *, address: str = "") -> None:
        made = bundle.build(params)
        made.header["record"] = provenance.describe_run(
            params, notebook=NOTEBOOK, call="widget.show(", figure="explorer"
        )
        header, packed = made.packed()
        super().__init__(header=header, packed=packed, address=address.removeprefix("#"))
        self.params = params
        self.on_msg(self._answer)

    def _answer(self, _: Any, request: dict[str, Any], buffers: Sequence[Any]) -> None:
        """Measure the recording in ``buffers``; whatever goes wrong is shown in the widget, never left unanswered."""
        if "measure" not in request:
            return
        from tonespan_utils.paper.explorer import measure  # torch, and seconds: only for whoever measures

        answer = {"answer": request["measure"]}
        try:
            settings = {name: request[name] for name in ("conditions", "language", "tone")}
            center_s = float("nan") if request["center_s"] is None else float(request["center_s"])
            content, name = bytes(buffers[0]), request["name"]
            made = measure.recording(self.params, content, name, center_s=center_s, **settings)
            header, packed = made.packed()
            self.send(answer | {"header": header}, [packed])
        except TonespanError as error:
            self.send(answer | {"error": str(error)})
        except Exception as error:
            self.send(answer | {"error": f"unexpected {type(error).__name__}: {error}"})
            raise


def show(profile: str, *, address: str = "") -> ipywidgets.Widget:
    """The explorer of a profile, or one line that says what is missing. ``address``: what to show first, the part of a
    link after ``#``. Notebook: notebooks/explorer
    """
    try:
        return Explorer(params_module.load(profile), address=address)
    except TonespanError as error:
        return ipywidgets.Label(f"The explorer cannot start: {error}")
