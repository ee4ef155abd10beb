"""SCORM 1.2 and 2004 packages: what they hold, what the platform's SCORM block makes of them, and how to mend them.

    elements    bytes of any encoding to an XML tree, by local names
    metadata    LOM records, in the manifest or beside it
    manifest    imsmanifest.xml to `Manifest`
    locate      the manifest in a package, and the files that URLs mean
    package     an open package to `ScormPackage`: its SCOs in order, the files of each, what is missing
    prediction  what the block will make of the upload, and where that is not what was meant
    rewrite     a manifest made valid and plain
    repack      the package written anew, so that the two agree

Sources: ADL SCORM 1.2 Content Aggregation Model; SCORM 2004 CAM (2nd to 4th edition); IMS Content Packaging 1.1.2–1.1.4;
openedx-scorm-xblock: openedxscorm/scormxblock.py.
"""
