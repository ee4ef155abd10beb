"""How the platform says no: a status and a body, raised by `rules` and the routes, answered by the app."""

from __future__ import annotations

ERROR_PAGE = "<html><head><title>Studio Server Error</title></head><body>Studio Server Error</body></html>"
LOGIN_PAGE = '<html><head><title>Sign In</title></head><body><form><input type="password"> Sign in to Studio</form></body></html>'


class Refusal(Exception):
    """A request that is refused: its status and the body of the answer (text for a page, anything else as JSON).

    `keeps` tells that what the request did before it failed is not taken back.
    """

    def __init__(self, status: int, body: object, *, keeps: bool = False) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body
        self.keeps = keeps


def broken() -> Refusal:
    """What an uncaught exception in Studio looks like from outside."""
    return Refusal(500, ERROR_PAGE)


def refuse(status: int, message: str) -> Refusal:
    """A refusal in Studio's usual shape."""
    return Refusal(status, {"error": message})


def invalid(reason: str) -> Refusal:
    """A value that a field cannot read (only ValueError is caught by the view)."""
    return refuse(400, f"Invalid data ({reason})")
