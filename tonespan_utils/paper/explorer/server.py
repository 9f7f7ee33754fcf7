"""Voila for the explorer: ``python -m tonespan_utils.paper.explorer.server NOTEBOOK``, with Voila's own options.

Voila's own browser is sent to an address without the token, and would stand before a form that asks for it.
"""

from __future__ import annotations

import html
import os
import tempfile
import threading
import webbrowser
from pathlib import Path

from voila.app import Voila


class Server(Voila):
    """Voila whose browser gets the token, by a file of this user alone: others see the processes."""

    def launch_browser(self) -> None:
        try:
            browser = webbrowser.get(self.browser or None)
        except webbrowser.Error as error:
            return self.log.warning("no browser could be opened (%s)", error)
        address = html.escape(f"{self.connection_url}?token={self.identity_provider.token}")
        file, path = tempfile.mkstemp(suffix=".html", dir=self.connection_dir)  # which goes with the server
        with os.fdopen(file, "w", encoding="utf-8") as page:
            page.write(
                f'<!doctype html><meta http-equiv="refresh" content="0; url={address}"><a href="{address}">Open</a>'
            )
        threading.Thread(target=browser.open, args=(Path(path).as_uri(),), daemon=True).start()
        return None


if __name__ == "__main__":
    Server.launch_instance()
