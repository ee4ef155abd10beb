"""Categories that hold other blocks: the outline below the course, banks, experiments, conditions.

Sources: Open edX: xmodule/{seq_block,vertical_block,library_content_block,item_bank_block,randomize_block,
split_test_block,conditional_block,wrapper_block,library_sourced_block}.py.
"""

from __future__ import annotations

from authoring.registry.build import (
    CONTENT,
    ELSEWHERE,
    boolean,
    display_name,
    integer,
    mapping,
    sequence,
    string,
    table,
)
from authoring.registry.spec import CategorySpec, Family

SEQUENCE_FIELDS = (
    boolean("hide_after_due", "Hide the content from learners once the due date has passed."),
    boolean(
        "is_entrance_exam",
        "Marks the section that holds the entrance exam; set by the platform.",
        authored=False,
    ),
)
EXAM_FIELDS = (
    boolean("is_time_limited", "Give learners a limited time, counted from when they start."),
    integer("default_time_limit_minutes", "How many minutes a timed exam lasts."),
    boolean("is_proctored_enabled", "Have the exam supervised by the proctoring service of the course."),
    string("exam_review_rules", "What the proctors should allow and watch for.", ""),
    boolean("is_practice_exam", "A practice run of a proctored exam; its result does not count."),
    boolean("is_onboarding_exam", "The exam in which learners set up proctoring."),
)
"""Timed and proctored exams; only subsections make sense of them, but every sequence class has the fields."""

_VERTICAL_FIELDS = table(
    boolean("discussion_enabled", "Show a discussion beside this unit, where the course has discussions.", True),
    *SEQUENCE_FIELDS,
)
_SUBSECTION_FIELDS = table(*SEQUENCE_FIELDS, *EXAM_FIELDS)

_BANK_FIELDS = (
    integer("max_count", "How many of the components each learner gets, drawn at random; -1 for all of them.", 1),
    boolean("allow_resetting_children", "Show a button with which learners draw other components and start again."),
)

_LIBRARY_CAPA_TYPES = (
    "any",
    "annotationresponse",
    "choiceresponse",
    "choicetextresponse",
    "coderesponse",
    "customresponse",
    "externalresponse",
    "formularesponse",
    "imageresponse",
    "jsmeresponse",
    "multiplechoiceresponse",
    "numericalresponse",
    "optionresponse",
    "schematicresponse",
    "stringresponse",
    "symbolicresponse",
    "truefalseresponse",
)

CONTAINERS = (
    CategorySpec(
        "chapter",
        "section",
        Family.XML,
        table(
            *SEQUENCE_FIELDS,
            *EXAM_FIELDS,
            sequence(
                "highlights",
                "What this section is about, in a few points, for the weekly e-mail to learners.",
            ),
        ),
        children=True,
        direct_only=True,
        help="A section of the course outline; it holds subsections.",
    ),
    CategorySpec(
        "sequential",
        "subsection",
        Family.XML,
        _SUBSECTION_FIELDS,
        children=True,
        direct_only=True,
        learner_state=True,
        help="A subsection of the course outline; it holds units. Grading and due dates are set here.",
    ),
    CategorySpec(
        "vertical",
        "unit",
        Family.XML,
        _VERTICAL_FIELDS,
        children=True,
        help="A unit: one page of the course, made of components.",
    ),
    CategorySpec(
        "library",
        "library",
        Family.PURE,
        table(
            display_name("Library"),
            sequence("advanced_modules", "Modules that the library's components need."),
            boolean("show_children_previews", "Show the components in Studio's list of them.", True),
        ),
        children=True,
        direct_only=True,
        help="The root of a content library of the first kind; it holds components, and its key is library-v1:….",
    ),
    CategorySpec(
        "wrapper",
        "wrapper",
        Family.XML,
        _VERTICAL_FIELDS,
        children=True,
        help="An old name for a unit inside a unit. Use a unit instead.",
    ),
    CategorySpec(
        "problemset",
        "problem set",
        Family.XML,
        _SUBSECTION_FIELDS,
        children=True,
        help="An old name for a subsection. Use a subsection instead.",
    ),
    CategorySpec(
        "videosequence",
        "video sequence",
        Family.XML,
        _SUBSECTION_FIELDS,
        children=True,
        help="An old name for a subsection. Use a subsection instead.",
    ),
    CategorySpec(
        "library_content",
        "randomized content",
        Family.XML,
        table(
            display_name("Randomized Content Block"),
            string("source_library_id", "Key of the content library that the components come from."),
            string(
                "source_library_version",
                "Version of the library last taken over; set by the platform.",
                authored=False,
            ),
            string(
                "capa_type",
                "Take only problems of this type from the library.",
                "any",
                values=_LIBRARY_CAPA_TYPES,
            ),
            boolean(
                "is_migrated_to_v2",
                "Whether the library was moved to the newer kind; set by the platform.",
                authored=False,
            ),
            *_BANK_FIELDS,
        ),
        children=True,
        learner_state=True,
        help="Shows each learner a few components drawn at random from a content library.",
    ),
    CategorySpec(
        "itembank",
        "problem bank",
        Family.XML,
        table(display_name("Problem Bank"), *_BANK_FIELDS),
        children=True,
        learner_state=True,
        help="Shows each learner a few of the components it holds, drawn at random.",
    ),
    CategorySpec(
        "library_sourced",
        "library reference",
        Family.PURE,
        table(
            display_name("Library Reference Block", scope=CONTENT),
            string("source_library_id", "Key of the content library that the components come from."),
            string(
                "source_library_version",
                "Version of the library last taken over; set by the platform.",
                authored=False,
            ),
            sequence("source_block_ids", "The components of the library to show.", scope=CONTENT),
        ),
        children=True,
        advanced_module="library_sourced",
        # In courses from the releases Lilac to Redwood; later ones have no such class and show a placeholder.
        help="Shows chosen components of a content library. Only older platforms have it.",
    ),
    CategorySpec(
        "randomize",
        "randomize",
        Family.XML,
        table(*SEQUENCE_FIELDS),
        children=True,
        learner_state=True,
        advanced_module="randomize",
        help="Shows each learner one of the components it holds, drawn at random.",
    ),
    CategorySpec(
        "split_test",
        "content experiment",
        Family.XML,
        table(
            display_name("Content Experiment"),
            integer(
                "user_partition_id",
                "Id of the group configuration that decides who sees what; -1 is none.",
                -1,
                scope=CONTENT,
            ),
            mapping("group_id_to_child", "Which unit each group sees: group id to block.", scope=CONTENT),
            *SEQUENCE_FIELDS,
            *EXAM_FIELDS,
        ),
        children=True,
        learner_state=True,
        advanced_module="split_test",
        help="Shows each group of learners its own content.",
    ),
    CategorySpec(
        "conditional",
        "conditional",
        Family.XML,
        table(
            display_name("Conditional"),
            sequence("sources_list", "The components whose state decides.", scope=CONTENT, olx="sources"),
            sequence(
                "show_tag_list",
                "Components that are elsewhere in the course and are shown here.",
                scope=CONTENT,
                olx=ELSEWHERE,
                authored=False,
            ),
            string(
                "conditional_attr",
                "What is asked of the components: whether they are correct, attempted, submitted …",
                "correct",
                scope=CONTENT,
                olx=ELSEWHERE,
                values=("poll_answer", "submitted", "attempted", "correct", "voted"),
            ),
            string(
                "conditional_value",
                "The answer that opens the content: `True`, `False`, or the id of a poll answer.",
                "True",
                scope=CONTENT,
                olx=ELSEWHERE,
            ),
            string(
                "conditional_message",
                "What learners read while it is closed; `{link}` becomes a link to what is asked of them.",
                "You must complete {link} before you can access this unit.",
                scope=CONTENT,
                olx="message",
            ),
            *SEQUENCE_FIELDS,
        ),
        children=True,
        advanced_module="conditional",
        help="Shows its content only once other components are answered.",
    ),
)
