"""Components and pages of the XmlMixin family: a pointer in the parent's file, a definition in `TAG/ID.xml`.

Sources: xblocks-contrib: xblocks_contrib/{html,problem,video,lti,poll,word_cloud,annotatable}; Open edX:
xmodule/{html_block,template_block,raw_block}.py.
"""

from __future__ import annotations

from dataclasses import replace

from authoring.registry.build import (
    CONTENT,
    ELSEWHERE,
    boolean,
    display_name,
    integer,
    mapping,
    number,
    relative_time,
    sequence,
    string,
    table,
    xml,
)
from authoring.registry.common import MIXED_IN
from authoring.registry.spec import CategorySpec, Family, FieldSpec

_HTML_SETTINGS = (
    string(
        "editor",
        "Studio's editor: `visual` may rewrite the HTML when somebody saves it there, `raw` never does.",
        "visual",
        values=("visual", "raw"),
    ),
    string("source_code", "The LaTeX that the text was made from.", authored=False),
    string(
        "upstream_data",
        "The text of the library block that this one follows; set by the platform.",
        scope=CONTENT,
        olx=ELSEWHERE,
        authored=False,
    ),
)


def _body(default: str = "", *, sample: bool = False) -> FieldSpec:
    return string("data", "The text, as HTML.", default, scope=CONTENT, olx=ELSEWHERE, authored=False, sample=sample)


_PAGE_SETTINGS = tuple(
    # A page is one HTML file in OLX: nothing but its text is written there.
    replace(field, olx=ELSEWHERE, authored=False)
    for field in _HTML_SETTINGS
)

HTML = CategorySpec(
    "html",
    "text",
    Family.XML,
    table(display_name("Text"), _body(), *_HTML_SETTINGS),
    content="data",
    help="Text with pictures, tables and formulas.",
)

PROBLEM = CategorySpec(
    "problem",
    "problem",
    Family.XML,
    table(
        display_name("Blank Problem"),
        xml("data", "The problem as XML.", "<problem></problem>", scope=CONTENT, olx=ELSEWHERE, authored=False),
        string("markdown", "The problem as Studio's Markdown, so that Studio can edit it.", authored=False),
        boolean("markdown_edited", "Whether Studio's Markdown editor was used.", authored=False),
        number(
            "weight",
            "How many points the problem is worth. Left out: one for each answer field.",
            minimum=0,
        ),
        integer(
            "attempts_before_showanswer_button",
            "How often a learner must try before the answer can be shown.",
            0,
            minimum=0,
        ),
        integer("submission_wait_seconds", "How many seconds a learner must wait between two attempts.", 0),
        string(
            "grading_method",
            "Which attempt counts.",
            "last_score",
            values=("last_score", "first_score", "highest_score", "average_score"),
        ),
        boolean("force_save_button", "Show the Save button even when there is only one attempt."),
        string("source_code", "The LaTeX that the problem was made from.", authored=False),
    ),
    content="data",
    learner_state=True,
    help="One or more questions that the platform grades.",
)

VIDEO = CategorySpec(
    "video",
    "video",
    Family.XML,
    table(
        display_name("Video"),
        string(
            "data",
            "Not used; the video is described by its settings.",
            "",
            scope=CONTENT,
            olx=ELSEWHERE,
            authored=False,
        ),
        string(
            "youtube_id_1_0",
            "The id of a YouTube video: what follows `v=` in its address.",
            "3_yD_cEKoCk",
            sample=True,
        ),
        string("youtube_id_0_75", "YouTube id of a version at three quarters of the speed.", ""),
        string("youtube_id_1_25", "YouTube id of a version at 1.25 times the speed.", ""),
        string("youtube_id_1_5", "YouTube id of a version at 1.5 times the speed.", ""),
        string("edx_video_id", "Id of a video uploaded to the platform.", ""),
        sequence("html5_sources", "Addresses of video files (MP4, WebM); the first that plays is used."),
        relative_time("start_time", "Where to start, as `HH:MM:SS`."),
        relative_time("end_time", "Where to stop, as `HH:MM:SS`; 00:00:00 plays to the end."),
        boolean("download_video", "Learners may download the video file."),
        boolean("only_on_web", "Do not offer the video in the mobile app."),
        boolean("public_access", "People without an account may watch the video."),
        string("thumbnail", "Address of a picture to show before the video plays.", ""),
        boolean("show_captions", "Show captions from the start.", True),
        mapping("transcripts", "Transcript files by language, such as `en: talk.srt`."),
        boolean("download_track", "Learners may download the transcript."),
        string("track", "Address of a transcript to download. Use `transcripts` instead.", ""),
        string("sub", "Id of an old kind of transcript.", "", authored=False),
        string("handout", "Address of a file that goes with the video."),
        string("license", "The license of the video, such as `creative-commons: BY-SA`.", scope=CONTENT),
    ),
    help="A video from YouTube, from an address, or from the platform.",
)

LTI = CategorySpec(
    "lti",
    "LTI (old)",
    Family.XML,
    table(
        display_name("LTI"),
        string("data", "Not used.", "", scope=CONTENT, olx=ELSEWHERE, authored=False),
        string("lti_id", "Name of the LTI passport of the course to use.", ""),
        string("launch_url", "Address at which the tool starts.", "http://www.example.com", sample=True),
        sequence("custom_parameters", "Further parameters for the tool, each as `name=value`."),
        boolean("open_in_a_new_page", "Open the tool in a new page.", True),
        boolean("has_score", "The tool sends back a grade."),
        number("weight", "How many points the tool's grade is worth.", 1.0, minimum=0),
        boolean("hide_launch", "Do not show the button that starts the tool."),
        boolean("accept_grades_past_due", "Take grades after the due date too.", True),
        boolean("ask_to_send_username", "Ask the learner to send the user name to the tool."),
        boolean("ask_to_send_email", "Ask the learner to send the e-mail address to the tool."),
        string("description", "Text above the button that starts the tool.", ""),
        string("button_text", "Words on the button that starts the tool.", ""),
    ),
    learner_state=True,
    advanced_module="lti",
    help="An outside learning tool, by the old LTI component. Use lti_consumer instead.",
)

POLL_QUESTION = CategorySpec(
    "poll_question",
    "poll question (old)",
    Family.XML,
    table(
        display_name("poll_question"),
        string("question", "The question, as HTML.", "", scope=CONTENT, olx=ELSEWHERE),
        sequence("answers", "The answers: a list with `id` and `text` of each.", scope=CONTENT, olx=ELSEWHERE),
    ),
    learner_state=True,
    advanced_module="poll_question",
    help="A question whose answers are counted, by the old component. Use poll instead.",
)

WORD_CLOUD = CategorySpec(
    "word_cloud",
    "word cloud",
    Family.XML,
    table(
        display_name("Word cloud"),
        string("data", "Not used.", "", scope=CONTENT, olx=ELSEWHERE, authored=False),
        string("instructions", "What learners are asked for."),
        integer("num_inputs", "How many words each learner can enter.", 5, minimum=1),
        integer("num_top_words", "How many words the cloud shows.", 250, minimum=1),
        boolean("display_student_percents", "Show how many learners entered each word.", True),
    ),
    learner_state=True,
    advanced_module="word_cloud",
    help="Collects words from learners and shows them as a cloud.",
)

ANNOTATABLE = CategorySpec(
    "annotatable",
    "annotation",
    Family.XML,
    table(
        display_name("Annotation"),
        xml(
            "data",
            "The annotated text: an `annotatable` element.",
            scope=CONTENT,
            olx=ELSEWHERE,
            authored=False,
            sample=True,
        ),
    ),
    content="data",
    advanced_module="annotatable",
    help="A text with comments that open on a click.",
)

STATIC_TAB = CategorySpec(
    "static_tab",
    "page",
    Family.XML,
    table(
        display_name("Empty", olx=ELSEWHERE),
        _body("<p>Add the content you want students to see on this page.</p>\n", sample=True),
        boolean("course_staff_only", "Only course staff see this page.", olx=ELSEWHERE),
        *_PAGE_SETTINGS,
    ),
    content="data",
    detached=True,
    direct_only=True,
    help="A page of the course beside its outline, with its own tab.",
)

ABOUT = CategorySpec(
    "about",
    "about text",
    Family.XML,
    table(display_name("overview", olx=ELSEWHERE), _body(), *_PAGE_SETTINGS),
    content="data",
    detached=True,
    direct_only=True,
    help="A part of the course's page in the catalogue: overview, short_description, effort …",
)

COURSE_INFO = CategorySpec(
    "course_info",
    "course info",
    Family.XML,
    table(
        _body("<ol></ol>"),
        sequence("items", "The updates, newest first.", scope=CONTENT, olx=ELSEWHERE, authored=False),
        display_name("Text", olx=ELSEWHERE),
        *_PAGE_SETTINGS,
    ),
    content="data",
    detached=True,
    direct_only=True,
    help="The updates or the handouts of the course.",
)

COURSE_UPDATE = CategorySpec(
    "course_update",
    "update",
    Family.XML,
    table(
        _body(""),
        string("date", "The day it is from, as learners read it: `February 1, 2027`.", olx=ELSEWHERE),
        # It is no block there, and has nothing of one.
        *(replace(field, olx=ELSEWHERE, authored=False) for field in MIXED_IN.values() if field.authored),
    ),
    content="data",
    detached=True,
    direct_only=True,
    help="One announcement on the course's start page; the platform keeps all of them in one `course_info` block.",
)

CUSTOMTAG = CategorySpec(
    "customtag",
    "custom tag",
    Family.XML,
    table(string("data", "The element, as XML.", "", scope=CONTENT, olx=ELSEWHERE, authored=False)),
    content="data",
    advanced_module="customtag",
    help="An element that is filled into a template of the course.",
)

CUSTOM_TAG_TEMPLATE = CategorySpec(
    "custom_tag_template",
    "custom tag template",
    Family.XML,
    table(string("data", "The template.", "", scope=CONTENT, olx=ELSEWHERE, authored=False)),
    content="data",
    detached=True,
    help="A template for custom tags.",
)

XML_LEAVES = (
    HTML,
    PROBLEM,
    VIDEO,
    LTI,
    POLL_QUESTION,
    WORD_CLOUD,
    ANNOTATABLE,
    STATIC_TAB,
    ABOUT,
    COURSE_INFO,
    COURSE_UPDATE,
    CUSTOMTAG,
    CUSTOM_TAG_TEMPLATE,
)
