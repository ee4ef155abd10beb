"""Exercises and conversations of the pure XBlock family, written inline with `xblock-family="xblock.v1"`.

Sources: the classes of xblocks-contrib, xblock-poll, xblock-drag-and-drop-v2, ora2, done-xblock, edx-sga and
staff_graded-xblock.
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
from authoring.registry.common import SHOWANSWER_VALUES
from authoring.registry.spec import CategorySpec, Family

DISCUSSION = CategorySpec(
    "discussion",
    "discussion",
    Family.PURE,
    table(
        display_name("Discussion"),
        string("discussion_id", "Id of the topic; posts belong to it, so it must never change."),
        string("discussion_category", "The group of topics in which it is listed.", "Week 1", sample=True),
        string(
            "discussion_target",
            "The name of the topic in the list.",
            "Topic-Level Student-Visible Label",
            sample=True,
        ),
        string("sort_key", "A text by which topics are sorted."),
    ),
    learner_state=True,
    help="A discussion inside the unit.",
)

_OPTION = "a list of pairs: a key, and `label`, `img`, `img_alt`"


def _option(label: str) -> dict[str, str | None]:
    return {"label": label, "img": None, "img_alt": None}


_VOTING_FIELDS = (
    string("feedback", "What learners read after they have voted, as Markdown.", "", scope=CONTENT),
    boolean("private_results", "Do not show learners the results.", scope=CONTENT),
    integer(
        "max_submissions",
        "How often a learner may vote; 0 is any number of times.",
        1,
        scope=CONTENT,
        minimum=0,
    ),
)

POLL = CategorySpec(
    "poll",
    "poll",
    Family.PURE,
    table(
        display_name("Poll", scope=CONTENT),
        string(
            "question",
            "The question, as Markdown.",
            "What is your favorite color?",
            scope=CONTENT,
            sample=True,
        ),
        sequence(
            "answers",
            f"The answers: {_OPTION}.",
            [
                ["R", _option("Red")],
                ["B", _option("Blue")],
                ["G", _option("Green")],
                ["O", _option("Other")],
            ],
            sample=True,
        ),
        *_VOTING_FIELDS,
    ),
    learner_state=True,
    advanced_module="poll",
    help="One question; learners see how the others voted.",
)

SURVEY = CategorySpec(
    "survey",
    "survey",
    Family.PURE,
    table(
        display_name("Survey", scope=CONTENT),
        string("block_name", "The title of the survey.", "Poll", scope=CONTENT),
        sequence(
            "answers",
            "The answers, the same for every question: a list of pairs of key and label.",
            [["Y", "Yes"], ["N", "No"], ["M", "Maybe"]],
            sample=True,
        ),
        sequence(
            "questions",
            f"The questions: {_OPTION}.",
            [
                ["enjoy", _option("Are you enjoying the course?")],
                ["recommend", _option("Would you recommend this course to your friends?")],
                ["learn", _option("Do you think you will learn a lot?")],
            ],
            sample=True,
        ),
        *_VOTING_FIELDS,
    ),
    learner_state=True,
    advanced_module="survey",
    help="Several questions with the same answers.",
)

DRAG_AND_DROP = CategorySpec(
    "drag-and-drop-v2",
    "drag and drop",
    Family.PURE,
    table(
        display_name("Drag and Drop"),
        string(
            "mode",
            "`standard` tells at once whether an item is in place; `assessment` grades what is handed in.",
            "standard",
            values=("standard", "assessment"),
        ),
        boolean("show_title", "Show the title above the exercise.", True),
        string("question_text", "What learners should do, as HTML.", ""),
        boolean("show_question_header", "Show the word “Problem” above the text.", True),
        string(
            "showanswer",
            "When learners may look at the answer.",
            "finished",
            inheritable=True,
            values=("default", *(value for value in SHOWANSWER_VALUES if value != "after_attempts")),
        ),
        number("weight", "How many points the exercise is worth.", 1.0),
        string("item_background_color", "Background of the items, as a CSS colour.", ""),
        string("item_text_color", "Text colour of the items, as a CSS colour.", ""),
        integer("max_items_per_zone", "How many items a zone can take. Leave it out for any number."),
        mapping(
            "data",
            "The exercise: `targetImg`, `targetImgDescription`, `zones`, `items` and `feedback`.",
            None,
            scope=CONTENT,
            sample=True,
        ),
    ),
    learner_state=True,
    help="Learners drag items onto the right places of a picture.",
)

OPENASSESSMENT = CategorySpec(
    "openassessment",
    "open response",
    Family.PURE,
    table(
        display_name("Open Response Assessment"),
        string(
            "title",
            "The title inside the assignment; the class makes it equal to `display_name` when it is saved.",
            "Open Response Assessment",
            scope=CONTENT,
            api=False,
            olx=ELSEWHERE,
            authored=False,
        ),
        # One text, or a list of them as JSON (ora2: openassessment/xblock/utils/resolve_dates.py).
        string(
            "prompt",
            "The question, or several as JSON.",
            scope=CONTENT,
            api=False,
            olx=ELSEWHERE,
            sample=True,
        ),
        string(
            "prompts_type",
            "Whether the question is plain text or HTML.",
            "text",
            scope=CONTENT,
            api=False,
            values=("text", "html"),
        ),
        sequence(
            "rubric_criteria",
            "The rubric: what is looked at, and the options with their points.",
            None,
            scope=CONTENT,
            api=False,
            olx=ELSEWHERE,
            sample=True,
        ),
        sequence(
            "rubric_assessments",
            "The steps: training, peer, self and staff assessment.",
            None,
            scope=CONTENT,
            api=False,
            olx=ELSEWHERE,
            sample=True,
        ),
        sequence(
            "editor_assessments_order",
            "The order in which Studio's editor lists the steps.",
            ["student-training", "peer-assessment", "self-assessment", "staff-assessment"],
            scope=CONTENT,
            api=False,
            olx=ELSEWHERE,
            authored=False,
        ),
        string(
            "rubric_feedback_prompt",
            "What reviewers are asked for besides the rubric.",
            scope=CONTENT,
            api=False,
            olx=ELSEWHERE,
            sample=True,
        ),
        string(
            "rubric_feedback_default_text",
            "Text that stands in the reviewers' comment field.",
            scope=CONTENT,
            api=False,
            olx=ELSEWHERE,
            sample=True,
        ),
        integer(
            "leaderboard_show",
            "How many of the best answers to show.",
            0,
            scope=CONTENT,
            api=False,
            minimum=0,
        ),
        string(
            "text_response_raw",
            "Whether learners must, may, or cannot write text.",
            "required",
            api=False,
            olx="text_response",
            values=("required", "optional", ""),
        ),
        string(
            "text_response_editor",
            "The editor that learners write in.",
            "text",
            api=False,
            values=("text", "tinymce"),
        ),
        string(
            "file_upload_response_raw",
            "Whether learners must, may, or cannot upload files.",
            api=False,
            olx="file_upload_response",
            values=("required", "optional", ""),
        ),
        string(
            "file_upload_type_raw",
            "Which files learners can upload.",
            scope=CONTENT,
            api=False,
            olx="file_upload_type",
            values=("image", "pdf-and-image", "custom"),
        ),
        sequence(
            "white_listed_file_types",
            "The file endings that may be uploaded, with `file_upload_type: custom`.",
            scope=CONTENT,
            api=False,
        ),
        boolean("allow_multiple_files", "Learners may upload more than one file.", True, api=False),
        boolean(
            "allow_file_upload",
            "Replaced by `file_upload_response`.",
            scope=CONTENT,
            api=False,
            authored=False,
        ),
        boolean("allow_latex", "Learners may write formulas in LaTeX.", api=False),
        string("submission_start", "When learners can first hand in.", "2001-01-01T00:00", api=False),
        string("submission_due", "When the answer is due.", "2029-01-01T00:00", api=False),
        string(
            "date_config_type",
            "Where the dates come from: written here, the subsection's due date, or the end of the course.",
            "manual",
            api=False,
            values=("manual", "subsection", "course_end"),
        ),
        boolean("allow_learner_resubmissions", "Learners may hand in again before anyone has reviewed.", api=False),
        string("resubmissions_grace_period", "How long they may do so, as `D:HH:MM`.", "", api=False),
        boolean("teams_enabled", "Teams hand in one answer together.", api=False),
        string("selected_teamset_id", "Which set of teams.", "", api=False),
        boolean("show_rubric_during_response", "Show the rubric while learners write.", api=False),
        # The class's own OLX has no place for these two (ora2: openassessment/xblock/utils/xml.py).
        number("weight", "How many points the assignment is worth.", minimum=0, olx=ELSEWHERE),
        date("start", "When learners can first see this.", inheritable=True, olx=ELSEWHERE),
    ),
    learner_state=True,
    help="An essay or a file that learners, their peers or staff assess with a rubric.",
)

DONE = CategorySpec(
    "done",
    "mark as done",
    Family.PURE,
    table(
        display_name("Completion"),
        string("align", "Where the button stands.", "left", values=("left", "right", "center")),
        number("weight", "How many points a press of the button is worth.", minimum=0),
        date("start", "When learners can first see this.", inheritable=True),
    ),
    learner_state=True,
    advanced_module="done",
    help="A button with which learners say that they are done.",
)

EDX_SGA = CategorySpec(
    "edx_sga",
    "staff graded assignment",
    Family.PURE,
    table(
        display_name("Staff Graded Assignment"),
        integer("points", "The most points that staff can give.", 100),
        number("weight", "How many points the assignment is worth. Left out: `points`.", minimum=0),
        string(
            "showanswer",
            "When learners may look at the solution.",
            "past_due",
            inheritable=True,
            values=(
                "always",
                "answered",
                "attempted",
                "closed",
                "finished",
                "correct_or_past_due",
                "past_due",
                "never",
            ),
        ),
        string("solution", "The solution, as HTML.", ""),
        integer("staff_score", "Not used by authors.", authored=False),
    ),
    learner_state=True,
    advanced_module="edx_sga",
    help="Learners upload a file; staff grade it.",
)

STAFF_GRADED = CategorySpec(
    "staffgradedxblock",
    "staff graded points",
    Family.PURE,
    table(
        display_name("Staff Graded Points"),
        string(
            "instructions",
            "What learners read, as Markdown.",
            "Your results will be graded offline",
            scope=CONTENT,
        ),
        number("weight", "How many points staff can give.", 1.0, minimum=0),
    ),
    learner_state=True,
    advanced_module="staffgradedxblock",
    help="Points that staff give for work done outside the platform.",
)

PURE_LEAVES = (
    DISCUSSION,
    POLL,
    SURVEY,
    DRAG_AND_DROP,
    OPENASSESSMENT,
    DONE,
    EDX_SGA,
    STAFF_GRADED,
)
