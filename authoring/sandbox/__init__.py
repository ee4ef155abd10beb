"""A local stand-in for the platform: its endpoints and its temper over real HTTP, its state in one SQLite file.

The embedded default target, the server of the test suite, and a place to rehearse a push (docs/sandbox.md).

    server            SandboxServer (in a thread), serve (in the foreground)
    app               routes, logins, faults and transactions around the handlers
    routes_v1, routes_stock, routes_course, routes_settings, handlers, control, pages       what each path does
    rules, values     what Studio does with blocks and fields; views: what it answers when it is read
    profile, faults   the temper, and what goes wrong on demand
    store             the state
"""

from authoring.sandbox.app import create_app
from authoring.sandbox.faults import Fault, FaultKind, Faults
from authoring.sandbox.profile import DOCUMENTED, OBSERVED, PROFILES, Profile
from authoring.sandbox.server import SandboxServer, serve

__all__ = [
    "DOCUMENTED",
    "OBSERVED",
    "PROFILES",
    "Fault",
    "FaultKind",
    "Faults",
    "Profile",
    "SandboxServer",
    "create_app",
    "serve",
]
