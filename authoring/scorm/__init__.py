"""A course, or a part of it, as a SCORM package that runs in another LMS.

    questions   problem OLX to questions that a browser can grade
    pages       units to pages: texts, media, questions, and what is left out
    package     pages to the files of a package, SCORM 1.2 or 2004
    templates   the page, its style, its script

One SCO is one unit: an LMS then shows sections, subsections and units as its own menu, each with its own status and score, and the
package reads back as the same outline. Sources: ADL SCORM 1.2 (CAM, RTE); SCORM 2004 4th Edition (CAM, RTE); problem OLX as in
xblocks-contrib: xblocks_contrib/problem/capa/{responsetypes,inputtypes}.py.
"""

from authoring.scorm.package import ScormVersion, Written, write_scorm
from authoring.scorm.pages import LeftOut

__all__ = ["LeftOut", "ScormVersion", "Written", "write_scorm"]
