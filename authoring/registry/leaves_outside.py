"""Components that show what was made outside the platform, of the pure XBlock family.

Sources: the classes of xblock-google-drive, xblocks-contrib (pdf), openedx-scorm-xblock, lti-consumer-xblock,
and the ibl platform's own PDF and SCORM blocks.
"""

from __future__ import annotations

from authoring.registry.build import (
    CONTENT,
    boolean,
    display_name,
    integer,
    mapping,
    number,
    sequence,
    string,
    table,
)
from authoring.registry.spec import CategorySpec, Family

GOOGLE_DOCUMENT = CategorySpec(
    "google-document",
    "Google document",
    Family.PURE,
    table(
        display_name("Google Document"),
        string("embed_code", "The code that Google Drive gives under Publish to the web.", sample=True),
        string("alt_text", "What a picture shows, for people who cannot see it.", ""),
    ),
    advanced_module="google-document",
    help="A document, a presentation or a picture from Google Drive.",
)

GOOGLE_CALENDAR = CategorySpec(
    "google-calendar",
    "Google calendar",
    Family.PURE,
    table(
        display_name("Google Calendar"),
        string(
            "calendar_id",
            "The calendar's id, from its settings in Google Calendar; it must be public.",
            "edx.org_lom804qe3ttspplj1bgeu1l3ak@group.calendar.google.com",
            sample=True,
        ),
        integer("default_view", "What is shown first: 0 the week, 1 the month, 2 the list.", 1, values=(0, 1, 2)),
    ),
    advanced_module="google-calendar",
    help="A public Google calendar.",
)

PDF = CategorySpec(
    "pdf",
    "PDF",
    Family.PURE,
    table(
        display_name("PDF"),
        string(
            "url",
            "Address of the PDF, such as `/static/handout.pdf`.",
            "https://tutorial.math.lamar.edu/pdf/Trig_Cheat_Sheet.pdf",
            scope=CONTENT,
            sample=True,
        ),
        boolean("allow_download", "Learners may download the PDF.", True, scope=CONTENT),
        string("source_text", "Words on a button that downloads the source file.", "", scope=CONTENT),
        string("source_url", "Address of the source file.", "", scope=CONTENT),
        # The ibl platform's own block of this name has `href` in the place of all of the above; only its
        # handler `save_pdf` stores it (ibl-edx-pdf-xblock: pdf/pdf.py).
        string(
            "href",
            "Address of the PDF on the ibl platform, which reads this in the place of `url`.",
            "http://www.upv.es/plano/directorio-es.pdf",
            scope=CONTENT,
            api=False,
            authored=False,
            sample=True,
        ),
    ),
    advanced_module="pdf",
    help="A PDF shown in the page.",
)

_SCORM_FIELDS = table(
    display_name("Scorm module"),
    boolean("has_score", "The package sends back a grade.", True),
    number("weight", "How many points the package is worth.", 1.0),
    integer("width", "Width in pixels. Leave it out for the full width."),
    integer("height", "Height in pixels.", 450),
    boolean("popup_on_launch", "Open the package in its own window."),
    boolean("enable_navigation_menu", "Show the package's table of contents beside it."),
    integer("navigation_menu_width", "Width of that table of contents in pixels. Left out: 30 percent."),
    boolean("enable_fullscreen_button", "Show a button for the full screen.", True),
    string("icon_class", "The icon in the outline; follows `has_score`.", "video", authored=False),
    string("index_page_path", "The page at which the package starts.", api=False, authored=False),
    mapping("package_meta", "Name, size and checksum of the package.", scope=CONTENT, api=False, authored=False),
    sequence("package_warnings", "What the upload complained of.", None, scope=CONTENT, api=False, authored=False),
    string(
        "scorm_version",
        "The SCORM version of the package.",
        "SCORM_12",
        api=False,
        authored=False,
        values=("SCORM_12", "SCORM_2004"),
    ),
    string("navigation_menu", "The table of contents, as HTML.", "", api=False, authored=False),
)
"""The upload handler sets what the package says; authors set the rest."""


def _scorm(category: str, text: str) -> CategorySpec:
    return CategorySpec(
        category,
        "SCORM package",
        Family.PURE,
        _SCORM_FIELDS,
        learner_state=True,
        advanced_module=category,
        package=True,
        help=text,
    )


SCORM_CATEGORIES = ("scorm", "ibl_openedx_scorm_xblock", "scormxblock")
"""The names under which platforms have a SCORM block, the usual one first."""

SCORM = _scorm("scorm", "A SCORM 1.2 or 2004 package from another authoring tool.")
IBL_SCORM = _scorm("ibl_openedx_scorm_xblock", "A SCORM package, by the ibl platform's block.")
OLD_SCORM = _scorm("scormxblock", "A SCORM package, by the older block of that name.")

LTI_CONSUMER = CategorySpec(
    "lti_consumer",
    "LTI tool",
    Family.PURE,
    table(
        display_name("LTI Consumer"),
        string("description", "Text above the button that starts the tool.", ""),
        string(
            "config_type",
            "Where the tool is configured: here, in the platform's database, or by an outside service.",
            "new",
            values=("new", "database", "external"),
        ),
        string("lti_version", "The LTI version.", "lti_1p1", values=("lti_1p1", "lti_1p3")),
        string("external_config", "With `config_type: external`: the configuration, as `service:id`."),
        string("lti_id", "LTI 1.1: name of the passport of the course to use.", ""),
        string("launch_url", "LTI 1.1: address at which the tool starts.", ""),
        sequence("custom_parameters", "Further parameters for the tool, each as `name=value`."),
        string(
            "launch_target",
            "Where the tool opens: in the page, in a dialogue, or in a new window.",
            "iframe",
            values=("iframe", "modal", "new_window"),
        ),
        string("button_text", "Words on the button that starts the tool.", ""),
        integer("inline_height", "Height in the page, in pixels.", 800),
        integer("modal_height", "Height of the dialogue, in percent of the window.", 80),
        integer("modal_width", "Width of the dialogue, in percent of the window.", 80),
        boolean("has_score", "The tool sends back a grade."),
        number("weight", "How many points the tool's grade is worth.", 1.0, minimum=0),
        boolean("hide_launch", "Do not start the tool; only keep the place of its grade."),
        boolean("accept_grades_past_due", "Take grades after the due date too.", True),
        boolean("ask_to_send_username", "Ask the learner to send the user name to the tool."),
        boolean("ask_to_send_full_name", "Ask the learner to send the full name to the tool."),
        boolean("ask_to_send_email", "Ask the learner to send the e-mail address to the tool."),
        boolean("enable_processors", "Send the tool further parameters that the platform is configured for."),
        string("lti_1p3_passport_id", "LTI 1.3: id of the tool's registration.", "", authored=False),
        string("lti_1p3_launch_url", "LTI 1.3: address at which the tool starts.", ""),
        string("lti_1p3_oidc_url", "LTI 1.3: address of the tool's login.", ""),
        sequence("lti_1p3_redirect_uris", "LTI 1.3: addresses that the login may go on to."),
        string(
            "lti_1p3_tool_key_mode",
            "LTI 1.3: whether the tool's key is written here or fetched from an address.",
            "public_key",
            values=("public_key", "keyset_url"),
        ),
        string("lti_1p3_tool_keyset_url", "LTI 1.3: address of the tool's keys.", ""),
        string("lti_1p3_tool_public_key", "LTI 1.3: the tool's public key, in PEM form.", ""),
        boolean("lti_1p3_enable_nrps", "LTI 1.3: let the tool read the names of the learners."),
        boolean("lti_advantage_deep_linking_enabled", "LTI 1.3: let authors choose content inside the tool."),
        string("lti_advantage_deep_linking_launch_url", "LTI 1.3: address at which they choose it.", ""),
        string(
            "lti_advantage_ags_mode",
            "LTI 1.3: whether the tool may write grades, and also add grade columns.",
            "declarative",
            values=("declarative", "programmatic", "disabled"),
        ),
    ),
    learner_state=True,
    advanced_module="lti_consumer",
    help="An outside learning tool, by LTI 1.1 or 1.3.",
)

OUTSIDE_LEAVES = (
    GOOGLE_DOCUMENT,
    GOOGLE_CALENDAR,
    PDF,
    SCORM,
    IBL_SCORM,
    OLD_SCORM,
    LTI_CONSUMER,
)
