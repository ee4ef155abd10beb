"""Fields that every block has, whatever its category.

Sources: Open edX: xmodule/modulestore/inheritance.py (InheritanceMixin), lms/djangoapps/lms_xblock/mixin.py
(LmsBlockMixin), xmodule/x_module.py, xmodule/xml_block.py, cms/lib/xblock/{authoring_mixin,upstream_sync}.py;
XBlock: xblock/core.py.
"""

from __future__ import annotations

from authoring.registry.build import (
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
    timedelta,
)

DEFAULT_START = "2030-01-01T00:00:00Z"
"""The platform's "not scheduled": content with this start is hidden from learners."""

SHOWANSWER_VALUES = (
    "always",
    "answered",
    "attempted",
    "closed",
    "finished",
    "correct_or_past_due",
    "past_due",
    "never",
    "after_attempts",
    "after_all_attempts",
    "after_all_attempts_or_correct",
    "attempted_no_past_due",
)
RERANDOMIZE_VALUES = ("always", "onreset", "never", "per_student")
SHOW_CORRECTNESS_VALUES = ("always", "never", "past_due")

INHERITED = (
    boolean("graded", "Whether the work below counts towards the course grade.", inheritable=True),
    date("start", "When learners can first see this. Until then it is hidden.", DEFAULT_START, inheritable=True),
    date("due", "When the work is due. Answers after that are not accepted.", inheritable=True),
    integer(
        "relative_weeks_due",
        "In a self-paced course: due this many weeks after the learner enrolled.",
        inheritable=True,
    ),
    boolean("visible_to_staff_only", "Hide this from learners; course staff still see it.", inheritable=True),
    string("course_edit_method", "Where the course is edited.", "Studio", inheritable=True, authored=False),
    string(
        "giturl",
        "Address of the course's git repository, for the platform's own git tools.",
        inheritable=True,
    ),
    string("xqa_key", "Not used any more.", inheritable=True, authored=False),
    timedelta(
        "graceperiod",
        "How long after the due date answers are still accepted, such as `1 day 2 hours`.",
        inheritable=True,
    ),
    mapping(
        "group_access",
        "Who may see this: for each group configuration id, the list of group ids. Empty means everybody.",
        inheritable=True,
    ),
    string(
        "showanswer",
        "When learners may look at the answer of a problem.",
        "finished",
        inheritable=True,
        values=SHOWANSWER_VALUES,
    ),
    string(
        "show_correctness",
        "When learners are told whether they were right, and their score.",
        "always",
        inheritable=True,
        values=SHOW_CORRECTNESS_VALUES,
    ),
    string(
        "rerandomize",
        "When the random numbers of a problem are drawn anew. Matters only for problems with a script.",
        "never",
        inheritable=True,
        values=RERANDOMIZE_VALUES,
    ),
    number("days_early_for_beta", "How many days before the start beta testers get in.", inheritable=True),
    string("static_asset_path", "Another place to read files from; leave it alone.", "", inheritable=True),
    boolean("use_latex_compiler", "Offer Studio's LaTeX templates.", inheritable=True),
    integer(
        "max_attempts",
        "How often a learner may answer a problem. Leave it out for any number of times.",
        inheritable=True,
        minimum=0,
    ),
    string("matlab_api_key", "Key of the MATLAB service, where problems use it.", inheritable=True),
    sequence(
        "user_partitions",
        "The group configurations of the course: lists of groups for experiments and content access.",
        inheritable=True,
    ),
    boolean("video_speed_optimizations", "Let HTML5 videos come from the video cache.", True, inheritable=True),
    boolean("video_auto_advance", "Offer to go on to the next unit when a video ends.", inheritable=True),
    mapping("video_bumper", "A short video to play before the first video of the course.", inheritable=True),
    boolean("show_reset_button", "Show a button that lets learners start a problem again.", inheritable=True),
    boolean("edxnotes", "Let learners take notes beside the text.", inheritable=True),
    boolean(
        "in_entrance_exam",
        "Marks problems of an entrance exam; set by the platform.",
        inheritable=True,
        authored=False,
    ),
    boolean("self_paced", "Learners go through the course at their own speed.", inheritable=True),
    boolean(
        "hide_from_toc",
        "Leave this out of the table of contents; a link to it still works.",
        inheritable=True,
    ),
)
"""Inherited: set on a section, it holds for everything below that does not say otherwise."""

OTHERS = (
    display_name(None),
    string("format", "The assignment type that this counts as, exactly as in the grading policy."),
    string(
        "chrome",
        "Which navigation surrounds the page.",
        values=("chromeless", "tabs", "accordion", "tabs,accordion"),
    ),
    string("default_tab", "Which course tab is marked while this is shown."),
    string("source_file", "Name of the LaTeX source file.", authored=False),
    string("name", "A short name that only the code uses.", authored=False),
    sequence("tags", "Words that only the code uses.", authored=False),
    mapping(
        "xml_attributes",
        "Attributes of the OLX that no field takes; the platform keeps them.",
        olx=ELSEWHERE,
        api=False,
        authored=False,
    ),
    string("copied_from_block", "The block this was copied from.", authored=False),
    string("upstream", "The library block that this one follows.", authored=False),
    integer("upstream_version", "The version of the library block last taken over.", authored=False),
    integer("upstream_version_declined", "The library version that was declined.", authored=False),
    string("upstream_display_name", "The title of the library block.", authored=False),
    integer("upstream_max_attempts", "The attempts of the library block.", authored=False),
)
"""Present on every block, but not inherited."""

MIXED_IN = table(*OTHERS, *INHERITED)
