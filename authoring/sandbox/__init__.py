"""A local stand-in for the platform: its endpoints and its temper over real HTTP, its state in one SQLite file.

The embedded default target, the server of the test suite, and a place to rehearse a push (docs/sandbox.md).
"""

from authoring.sandbox.faults import Fault, FaultKind, Faults
from authoring.sandbox.profile import DOCUMENTED, OBSERVED, PROFILES, Profile
from authoring.sandbox.server import SandboxServer, serve

__all__ = ["DOCUMENTED", "OBSERVED", "PROFILES", "Fault", "FaultKind", "Faults", "Profile", "SandboxServer", "serve"]
