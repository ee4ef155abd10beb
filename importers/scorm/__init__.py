"""SCORM 1.2 and 2004 packages: what they hold, what the platform's SCORM block makes of them, and how to mend them.

    elements    bytes of any encoding to an XML tree, by local names
    metadata    LOM records, in the manifest or beside it
    manifest    imsmanifest.xml to `Manifest`
    locate      the manifest in a package, and the files that URLs mean
    package     an open package to `ScormPackage`: its SCOs in order, the files of each, what is missing
    prediction  what the block will make of the upload, and where that is not what was meant
    rewrite     a manifest made valid and plain
    repack      the package written anew, so that the two agree
    single      one SCO as a package of its own
    explode     a static page as an html component
    course      the package as a course

Sources: ADL SCORM 1.2 Content Aggregation Model; SCORM 2004 CAM (2nd to 4th edition); IMS Content Packaging 1.1.2–1.1.4;
openedx-scorm-xblock: openedxscorm/scormxblock.py.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from authoring.archives import Package
from importers import Imported, ReadOptions
from importers.scorm.course import read_scorm
from importers.scorm.package import Kind, recognise


class ScormImporter:
    name = "scorm"
    title = "SCORM 1.2 or 2004 package"

    def roots(self, package: Package) -> tuple[PurePosixPath, ...]:
        """One, the package itself. What is near to SCORM counts, so that reading it says what it is instead."""
        return () if recognise(package) is Kind.NONE else (PurePosixPath(),)

    def read(self, package: Package, root: PurePosixPath, options: ReadOptions) -> Imported:
        return read_scorm(package, options)


SCORM = ScormImporter()
