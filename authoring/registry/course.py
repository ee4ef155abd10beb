"""The course block: its fields are the course settings (Studio's Schedule & Details and Advanced Settings).

Source: Open edX: xmodule/course_block.py (CourseFields; CourseBlock is a sequence with a license). Fields
that `authored=False` hides are kept elsewhere (the grading policy, the pages, the passports), are set by the
platform, or do nothing any more.
"""

from __future__ import annotations

from authoring.registry.build import (
    CONTENT,
    ELSEWHERE,
    boolean,
    date,
    display_name,
    integer,
    mapping,
    number,
    sequence,
    string,
    table,
)
from authoring.registry.common import DEFAULT_START
from authoring.registry.containers import EXAM_FIELDS, SEQUENCE_FIELDS
from authoring.registry.spec import CategorySpec, Family

_DEFAULT_IMAGE = "images_course_image.jpg"

DATES = (
    date(
        "start",
        "When the course opens. Until then learners see nothing of it.",
        DEFAULT_START,
        inheritable=True,
    ),
    date("end", "When the course ends."),
    date("enrollment_start", "When learners can first enrol."),
    date("enrollment_end", "When enrolment closes."),
    date("announcement", "When the course is announced in the catalogue."),
    string("advertised_start", "Words to show instead of the start date, such as `Spring 2027`."),
    date(
        "certificate_available_date",
        "When certificates become available, with `certificates_display_behavior: end_with_date`.",
        scope=CONTENT,
        olx=ELSEWHERE,
    ),
)

APPEARANCE = (
    display_name("Empty"),
    string("display_coursenumber", "Text to show instead of the course number.", ""),
    string("display_organization", "Text to show instead of the organization."),
    string("language", "Language of the course, such as `en`, `es` or `pt-br`."),
    string("course_image", "File name of the picture on the course card.", _DEFAULT_IMAGE),
    string("banner_image", "File name of the banner picture.", _DEFAULT_IMAGE),
    string(
        "video_thumbnail_image",
        "File name of the picture shown before the introduction video.",
        _DEFAULT_IMAGE,
    ),
    string("social_sharing_url", "The address that learners share on social media."),
    sequence("learning_info", "What learners will be able to do, one sentence each."),
    mapping(
        "instructor_info",
        "The people who teach: `instructors`, a list with name, title, organization, image and bio of each.",
        {"instructors": []},
    ),
    string("due_date_display_format", "How due dates are written, such as `%Y-%m-%d`."),
    boolean("show_timezone", "Replaced by `due_date_display_format`.", True, authored=False),
    boolean("is_new", "Show the course among the new ones.", None),
    sequence("course_wide_js", "Addresses of scripts to load on every page."),
    sequence("course_wide_css", "Addresses of style sheets to load on every page."),
    string("css_class", "A style class shared by the runs of a course; not used any more.", "", authored=False),
    string("license", "The license of the content, such as `creative-commons: BY-SA`.", scope=CONTENT),
)

ACCESS = (
    string(
        "catalog_visibility",
        "Who finds the course: `both` (catalogue and about page), `about` (about page only), `none`.",
        "both",
        values=("both", "about", "none"),
    ),
    string(
        "course_visibility",
        "What people who are not enrolled may see: nothing, the outline, or everything.",
        "private",
        values=("private", "public_outline", "public"),
    ),
    boolean("invitation_only", "Only people who are invited can enrol."),
    integer("max_student_enrollments_allowed", "How many learners can enrol. Leave it out for no limit."),
    boolean("mobile_available", "Offer the course in the mobile app."),
    string("enrollment_domain", "Login method that learners must use to enrol.", authored=False),
    sequence("pre_requisite_courses", "Keys of courses that must be completed first."),
    integer("cosmetic_display_price", "The price to show; it charges nobody.", 0),
    boolean("enable_subsection_gating", "Let a subsection wait until another one has been passed."),
    boolean("entrance_exam_enabled", "Learners must pass an entrance exam first."),
    number("entrance_exam_minimum_score_pct", "The score needed in the entrance exam.", 65),
    string("entrance_exam_id", "The section that is the entrance exam; set by the platform.", authored=False),
    string(
        "course_survey_name",
        "Name of a survey to fill in before the course; not used any more.",
        authored=False,
    ),
    boolean("course_survey_required", "Whether that survey must be filled in.", authored=False),
)

GRADES = (
    mapping(
        "grading_policy",
        "The grading policy. Write it under `grading:`.",
        None,
        scope=CONTENT,
        api=False,
        olx=ELSEWHERE,
        authored=False,
        sample=True,
    ),
    boolean("no_grade", "The course gives no grades."),
    boolean("disable_progress_graph", "Leave the chart out of the progress page."),
    boolean("hide_progress_tab", "Leave the progress page out.", None),
    number("minimum_grade_credit", "The grade needed for academic credit, as a fraction such as 0.8.", 0.8),
    mapping("remote_gradebook", "An outside grade book, where the platform has one.", authored=False),
    boolean(
        "force_on_flexible_peer_openassessments",
        "Let every peer assessment of the course finish with fewer reviews than asked for.",
    ),
)

CERTIFICATES = (
    string(
        "certificates_display_behavior",
        "When learners can see their certificate: as soon as they pass, at the end, or on a date after it.",
        "end",
        values=("early_no_info", "end", "end_with_date"),
    ),
    boolean("cert_html_view_enabled", "Show certificates as web pages.", True),
    mapping("cert_html_view_overrides", "Changes to the certificate page of this course."),
    mapping("certificates", "The certificates of the course, as Studio's Certificates page keeps them."),
    string("cert_name_short", "Short name of the certificate, for PDF certificates.", ""),
    string("cert_name_long", "Long name of the certificate, for PDF certificates.", ""),
    boolean("certificates_show_before_end", "Replaced by `certificates_display_behavior`.", authored=False),
    boolean("issue_badges", "Not used any more.", True, authored=False),
)

DISCUSSION = (
    boolean("allow_anonymous", "Learners may post without their name.", True),
    boolean("allow_anonymous_to_peers", "Learners may hide their name from other learners, not from staff."),
    mapping(
        "discussion_topics",
        'Topics of the discussion for the whole course: name to `{"id": …}`.',
        olx=ELSEWHERE,
    ),
    sequence(
        "discussion_blackouts",
        "Times in which nobody can post: a list of pairs of dates.",
        olx=ELSEWHERE,
    ),
    mapping(
        "discussions_settings",
        "Which units have a discussion beside them.",
        {"enable_in_context": True, "enable_graded_units": False, "unit_level_visibility": True},
    ),
    string("discussion_link", "Address of an outside forum; not used any more.", authored=False),
    mapping("cohort_config", "Old settings of the groups of learners (cohorts).", authored=False),
    mapping("teams_configuration", "The sets of teams in which learners work together."),
)

EXAMS = (
    boolean("enable_timed_exams", "Allow exams with a time limit."),
    boolean("enable_proctored_exams", "Allow supervised exams."),
    string("proctoring_provider", "The service that supervises exams."),
    string("proctoring_escalation_email", "Whom the proctoring service writes to when something is wrong."),
    boolean("allow_proctoring_opt_out", "Learners may take supervised exams without supervision."),
    boolean("create_zendesk_tickets", "Open a support ticket for suspicious attempts.", True),
)

MATERIAL = (
    sequence(
        "advanced_modules",
        "Components beyond the basic ones that Studio offers. What the course uses is added.",
    ),
    sequence(
        "lti_passports",
        "Keys of LTI 1.1 tools. Write them under `lti_passports:` by name, never with their secrets.",
        authored=False,
    ),
    sequence(
        "tabs",
        "The pages of the course in their order; made from `pages/`.",
        api=False,
        olx=ELSEWHERE,
        authored=False,
    ),
    sequence("textbooks", "Old image textbooks.", scope=CONTENT, olx=ELSEWHERE, authored=False),
    sequence("pdf_textbooks", "Textbooks as PDF: a list with `tab_title`, `id` and `chapters`."),
    sequence("html_textbooks", "Textbooks as web pages: a list with `tab_title` and `chapters`."),
    string("wiki_slug", "Name of the course's wiki.", scope=CONTENT, olx=ELSEWHERE),
    boolean("allow_public_wiki_access", "People who are not enrolled may read the wiki."),
    boolean("show_calculator", "Show a calculator on every page."),
    boolean("highlights_enabled_for_messaging", "Send learners the highlights of each section by e-mail."),
    boolean("allow_unsupported_xblocks", "Offer components in Studio that the platform does not support."),
    string(
        "video_sharing_options",
        "Whether learners can share videos: all, none, or as each video says.",
        "per-video",
        values=("all-on", "all-off", "per-video"),
    ),
    mapping("video_upload_pipeline", "Credentials of the video upload; set by the platform.", authored=False),
    boolean("enable_ccx", "Coaches may give the course to their own groups."),
    string("ccx_connector", "Address of the service that makes such courses.", ""),
    string("end_of_course_survey_url", "Address of a survey at the end; not used any more.", authored=False),
    mapping("other_course_settings", "Settings of extensions of the platform."),
)

COURSE = CategorySpec(
    "course",
    "course",
    Family.XML,
    table(
        *APPEARANCE,
        *DATES,
        *ACCESS,
        *GRADES,
        *CERTIFICATES,
        *DISCUSSION,
        *EXAMS,
        *MATERIAL,
        *SEQUENCE_FIELDS,
        *EXAM_FIELDS,
    ),
    children=True,
    direct_only=True,
    help="The course itself; it holds sections.",
)
