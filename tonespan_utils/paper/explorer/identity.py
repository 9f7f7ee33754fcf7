"""Who may talk to the explorer's servers: whoever has the token, from a page of the server itself.

Jupyter lets a request that carries the token come from any origin, for programs; the explorer has no such programs.
And a user's own Jupyter may have been told to do without a token; the explorer's servers make one all the same.
"""

from __future__ import annotations

import secrets
from typing import Any

import traitlets
from jupyter_server.auth.identity import IdentityProvider


class SameOrigin(IdentityProvider):
    """Jupyter's tokens, never empty, and never a reason to leave the origin unchecked."""

    @traitlets.validate("token")
    def _never_empty(self, proposal: dict[str, Any]) -> str:
        if proposal["value"]:
            return proposal["value"]
        self.token_generated = True
        return secrets.token_hex(24)

    def should_check_origin(self, handler: Any) -> bool:
        return True
