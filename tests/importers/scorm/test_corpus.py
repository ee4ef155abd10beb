"""Every SCORM package of the corpus, beside what a person reads in its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from authoring.archives import open_package
from authoring.diagnostics import Diagnostic
from importers.scorm.manifest import Edition
from importers.scorm.package import Kind, read_package, recognise
from importers.scorm.prediction import member_names, predict
from importers.scorm.repack import repack
from tests.importers.scorm.packages import CORPUS

pytestmark = pytest.mark.corpus

V12, SECOND, THIRD, FOURTH = Edition.SCORM_12, Edition.SCORM_2004_2ND, Edition.SCORM_2004_3RD, Edition.SCORM_2004_4TH

Launched = tuple[str, str, float | None]
"""Title, launch page, mastery score in percent."""


@dataclass(frozen=True)
class Read:
    """What a person reads in the manifest."""

    edition: Edition
    title: str
    scos: tuple[Launched, ...]
    codes: tuple[str, ...] = ()


def one(title: str, page: str, mastery: float | None = None) -> tuple[Launched, ...]:
    return ((title, page, mastery),)


def of(*pairs: tuple[str, str]) -> tuple[Launched, ...]:
    return tuple((title, page, None) for title, page in pairs)


GOLF = one("Golf Explained", "shared/launchpage.html")
QUIZ = "shared/assessmenttemplate.html?questions="


def pages_of_golf(example: str) -> tuple[Launched, ...]:
    return of(
        ("How to Play", "Playing/Playing.html"),
        ("Par", "Playing/Par.html"),
        ("Keeping Score", "Playing/Scoring.html"),
        ("Other Scoring Systems", "Playing/OtherScoring.html"),
        ("The Rules of Golf", "Playing/RulesOfGolf.html"),
        ("Playing Golf Quiz", f"{QUIZ}Playing"),
        ("Taking Care of the Course", "Etiquette/Course.html"),
        ("Avoiding Distraction", "Etiquette/Distracting.html"),
        ("Playing Politely", "Etiquette/Play.html"),
        ("Etiquette Quiz", f"{QUIZ}Etiquette"),
        ("Handicapping Overview", "Handicapping/Overview.html"),
        ("Calculating a Handicap", "Handicapping/CalculatingHandicap.html"),
        ("Calculating a Handicapped Score", "Handicapping/CalculatingScore.html"),
        ("Handicapping Example", example),
        ("Handicapping Quiz", f"{QUIZ}Handicapping"),
        ("How to Have Fun Playing Golf", "HavingFun/HowToHaveFun.html"),
        ("How to Make Friends Playing Golf", "HavingFun/MakeFriends.html"),
        ("Having Fun Quiz", f"{QUIZ}HavingFun"),
    )


LESSON = "shared/launchpage.html?content="
LESSONS = of(
    ("Playing the Game", f"{LESSON}playing"),
    ("Etiquette", f"{LESSON}etiquette"),
    ("Handicapping", f"{LESSON}handicapping"),
    ("Having Fun", f"{LESSON}havingfun"),
)


def assessments_of_golf(*titles: str) -> tuple[Launched, ...]:
    return of(*((title, f"{LESSON}assessment{number}") for number, title in enumerate(titles, 1)))


SURPLUS, MISSING, REFERENCE, ODD = "scorm-surplus-file", "scorm-missing-file", "scorm-reference", "scorm-odd-manifest"

BY_HAND = {
    "ciberseguridad-es": Read(
        V12,
        "ciberseguridad-es",  # the organization has no title: the file's name is taken
        of(
            *(
                (name, f"{name}.html")
                for name in (
                    "01-S1-Fundamentos",
                    "02-S2-Identidades-MFA",
                    "03-S3-Phishing",
                    "04-S4-Windows11",
                    "05-S5-WiFi-Router",
                    "06-S6-Copias-321",
                    "07-S7-Cifrado",
                    "08-S8-Observacion-Red",
                    "09-S9-Incidentes",
                    "10-S10-Proyecto-Test",
                )
            )
        ),
    ),
    "golf-ContentPackagingMetadata_SCORM20043rdEdition": Read(THIRD, "Golf Explained - Metadata Example", GOLF),
    "golf-ContentPackagingOneFilePerSCO_SCORM12": Read(
        V12, "Golf Explained - CP One File Per SCO", pages_of_golf("Handicapping/Example.html")
    ),
    "golf-ContentPackagingOneFilePerSCO_SCORM20043rdEdition": Read(
        THIRD, "Golf Explained - CP One File Per SCO", pages_of_golf("Handicapping/Example.html")
    ),
    "golf-ContentPackagingSingleSCO_SCORM12": Read(V12, "Golf Explained - CP Single SCO", GOLF),
    "golf-ContentPackagingSingleSCO_SCORM20042ndEdition": Read(SECOND, "Golf Explained - CP Single SCO", GOLF),
    "golf-RunTimeAdvancedCalls_SCORM20043rdEdition": Read(
        THIRD, "Golf Explained - Run-time Advanced Calls", one("Golf Explained", "shared/launchpage.html", 80)
    ),
    "golf-RuntimeBasicCalls_SCORM12": Read(V12, "Golf Explained - Run-time Basic Calls", GOLF),
    "golf-RuntimeBasicCalls_SCORM20043rdEdition": Read(THIRD, "Golf Explained - Run-time Basic Calls", GOLF),
    "golf-RuntimeMinimumCalls_SCORM12": Read(
        V12, "Golf Explained - Minimum Run-time Calls", pages_of_golf("Handicapping/CalculatingScore.html")
    ),
    "golf-SequencingForcedSequential_SCORM20043rdEdition": Read(
        THIRD, "Golf Explained - Sequencing Forced Order", (*LESSONS, *of(("Quiz", f"{LESSON}assessment")))
    ),
    "golf-SequencingPostTestRollup4thEd_SCORM20044thEdition": Read(
        FOURTH, "Golf Explained - 4th Edition Features", (*LESSONS, *of(("Quiz", f"{LESSON}assessment")))
    ),
    "golf-SequencingPreOrPostTestRollup_SCORM20043rdEdition": Read(
        THIRD,
        "Golf Explained - Sequencing Pre or Post Test Rollup",
        (*of(("Pre Test", f"{LESSON}assessment")), *LESSONS, *of(("Post Test", f"{LESSON}assessment"))),
    ),
    "golf-SequencingRandomTest_SCORM20043rdEdition": Read(
        THIRD,
        "Golf Explained - Sequencing Random Test",
        (*LESSONS, *assessments_of_golf("Test 1", "Test 2", "Test 3", "Test 4")),
    ),
    "golf-SequencingSimpleRemediation_SCORM20043rdEdition": Read(
        THIRD,
        "Golf Explained - Simple Remediation",
        (*LESSONS, *assessments_of_golf("Playing Quiz", "Etiquette Quiz", "Handicapping Quiz", "Having Fun Quiz")),
    ),
    "interink-template": Read(V12, "Titre", one("InterInk", "index.html", 80)),
    "orca-er-rel-trainer-de": Read(V12, "ER-REL-Trainer", one("ER-REL-Trainer", "index.html"), (SURPLUS,)),
    "parser-AdlAttributes_SCORM20043rdEdition": Read(
        THIRD, "ADL Attributes Example", one("Launchable Item", "index.html"), (MISSING,)
    ),
    "parser-ComplexNestedOrganization_SCORM12": Read(
        V12,
        "Complex Nested Organization Test",
        of(
            ("Module 1", "content/module1.html"),
            ("Chapter 1.1", "content/chapter1_1.html"),
            ("Section 1.1.1", "content/section1_1_1.html"),
            ("Topic 1.1.1.1", "content/topic1_1_1_1.html"),
            ("Topic 1.1.1.2", "content/topic1_1_1_2.html"),
            ("Section 1.1.2", "content/section1_1_2.html"),
            ("Chapter 1.2", "content/chapter1_2.html"),
            ("Module 2", "content/module2.html"),
            ("Chapter 2.1", "content/chapter2_1.html"),
            ("Section 2.1.1", "content/section2_1_1.html"),
            ("Module 3", "content/module3.html"),
        ),
        ("scorm-organizations", *[MISSING] * 12),
    ),
    "parser-ContentPackagingNoSchemaVersion_SCORM20042ndEdition": Read(
        SECOND, "Minimal 2nd Edition No SchemaVersion", one("Launch Item", "index.html"), (MISSING,)
    ),
    "parser-ContentPackagingWithMetadata_SCORM12": Read(
        V12, "SCORM 1.2 With Metadata", one("SCORM 1.2 With Metadata", "index.html")
    ),
    "parser-InvalidFileReferences_SCORM12": Read(
        V12, "Invalid File References Test", one("Test Item", "content/nonexistent.html"), (MISSING, MISSING)
    ),
    "parser-InvalidMissingOrgIdentifier_SCORM20043rdEdition": Read(
        THIRD, "Minimal Course", one("Launch", "index.html"), (REFERENCE, ODD, MISSING)
    ),
    "parser-ItemWithNonExistentResourceId_SCORM12": Read(
        V12, "Item With Non-Existent Resource ID Test", one("Item 2", "content/item2.html"), (REFERENCE,)
    ),
    "parser-LaunchUrlFromNestedItem_SCORM12": Read(
        V12,
        "Launch URL From Nested Item Test",
        of(("Topic 1.1.1.1", "content/topic1.html"), ("Section 2.1.1", "content/section2.html")),
    ),
    "parser-MalformedXml_SCORM12": Read(
        V12, "Malformed XML Test", one("Test Item", "content/index.html"), ("scorm-xml", MISSING)
    ),
    "parser-MinimalValid_SCORM20043rdEdition": Read(THIRD, "Minimal Course", one("Launch", "index.html"), (MISSING,)),
    "parser-MissingLaunchUrl_SCORM12": Read(
        V12, "Missing Launch URL Test", one("Test Item", "content/index.html"), (REFERENCE, MISSING)
    ),
    "parser-MissingRequiredFields_SCORM12": Read(V12, "Test Item", one("Test Item", "content/index.html"), (MISSING,)),
    "parser-MultipleItemsWithIdentifierRef_SCORM12": Read(
        V12,
        "Multiple Items With IdentifierRef Test",
        of(*((f"Item {number}", f"content/item{number}.html") for number in (1, 2, 3))),
    ),
    "parser-PrerequisitesTest_SCORM12": Read(
        V12,
        "Prerequisites Test Course",
        (
            ("Module 1: Introduction", "module1.html", 80),
            ("Module 2: Basic Concepts", "module2.html", None),
            ("Module 3: Advanced Topics", "module3.html", None),
            ("Module 4: Assessment", "module4.html", 90),
        ),
    ),
    "senkyoshi-scorm_package": Read(
        V12,
        "Fundamentals of Logistics",
        of(
            *(
                (f"Fundamentals of Logistics: {name} Module", f"Module{number}/index.htm")
                for number, name in enumerate(
                    ("Overview", "Acquisition", "Distribution", "Sustainment", "Disposition"), 1
                )
            )
        ),
        ("scorm-manifest-place", *[MISSING] * 5),
    ),
}

each_package = pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)


def codes(findings: list[Diagnostic]) -> tuple[str, ...]:
    return tuple(str(finding.code) for finding in findings)


@pytest.mark.skipif(not CORPUS, reason="no corpus beside the project")
def test_every_package_of_the_corpus_is_in_the_table() -> None:
    assert {path.stem for path in CORPUS} == BY_HAND.keys()


@each_package
def test_a_package_is_read_as_a_person_reads_it(path: Path) -> None:
    expected = BY_HAND[path.stem]
    with open_package(path) as package:
        assert recognise(package) is Kind.SCORM
        read = read_package(package)
    assert read.edition is expected.edition
    assert read.title == expected.title
    assert tuple((sco.title, sco.launch, sco.mastery_score) for sco in read.scos) == expected.scos
    assert codes(list(read.findings)) == expected.codes
    for finding in read.findings:
        assert finding.where is not None
        assert finding.hint


@each_package
def test_a_package_packed_again_means_the_same(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.zip"
    with open_package(path) as package:
        before = read_package(package)
        repack(package, out)
    with open_package(out) as package:
        after = read_package(package)
        prediction = predict(package, member_names(out))
    assert after.edition is before.edition
    assert after.title == before.title
    assert after.metadata == before.metadata
    assert [(sco.title, sco.launch, sco.trail, sco.mastery_score, len(sco.files)) for sco in after.scos] == [
        (sco.title, sco.launch, sco.trail, sco.mastery_score, len(sco.files)) for sco in before.scos
    ]
    assert [len(sco.item.sequencing or "") > 0 for sco in after.scos] == [
        len(sco.item.sequencing or "") > 0 for sco in before.scos
    ]
    assert not prediction.goes_wrong
