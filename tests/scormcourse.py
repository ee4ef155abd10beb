"""A small course with every kind of question that a SCORM page grades, for tests of the writer."""

from __future__ import annotations

FILES: dict[str, str | bytes] = {
    "course.yaml": """\
org: DemoX
number: SC1
run: r
title: Every question
language: en
grading:
  assignment_types:
    - {type: Quiz, short_label: Q, weight: 100%, min_count: 1, drop_count: 0}
  cutoffs: {Pass: 0.6}
""",
    "static/picture.png": bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    ),
    "static/unused.txt": "nobody links here",
    "01-start/01-words/01-hello.md": """\
---
title: Hello
---
Some words, ![a picture](../../static/picture.png), and [the quiz](../../02-tasks/01-all/01-quiz.md).

:::lti_consumer {#tool}
title: A tool
launch_url: https://tool.example.org/
lti_id: x
:::
""",
    "02-tasks/01-all/subsection.yaml": "title: All of them\nformat: Quiz\ngraded: true\n",
    "02-tasks/01-all/01-quiz.md": """\
---
title: The quiz
---

:::problem {#one}
title: One of several
---
>>Which is prime?<<

( ) 4 {{ Two times two. }}
(x) 5 {{ Indeed. }}
( ) 6

||Divide by two.||
:::

:::problem {#many}
title: Several
---
>>Which are even?<<

[x] 2
[ ] 3
[x] 4
:::

:::problem {#drop}
title: A dropdown
---
>>Pick the vowel<<

[[b, (e), k]]
:::

:::problem {#number}
title: A number
max_attempts: 2
---
>>What is pi, roughly?<<

= 3.14 +- 0.01

[explanation]
The ratio of a circle's circumference to its diameter.
[explanation]
:::

:::problem {#range}
title: A range
---
>>Something from 5 to 7<<

= [5, 7)
:::

:::problem {#text}
title: A text
---
>>The capital of France?<<

= Paris
or= Paname
:::

:::problem {#script}
title: Not for a browser
---
[markdown]
What is 2 times $a?

[python]
a = 3
[/python]

n= 2*$a
:::
""",
}

RIGHT: list[dict[str, object]] = [
    {"check": '[name="q1-1"][value="q1-1-1"]'},
    {"check": '[name="q2-1"][value="q2-1-0"]'},
    {"check": '[name="q2-1"][value="q2-1-2"]'},
    {"select": ['[name="q3-1"]', "q3-1-1"]},
    {"fill": ['[name="q4-1"]', "3.145"]},
    {"fill": ['[name="q5-1"]', "5"]},
    {"fill": ['[name="q6-1"]', "paname"]},
]
WRONG: list[dict[str, object]] = [
    {"check": '[name="q1-1"][value="q1-1-0"]'},
    {"check": '[name="q2-1"][value="q2-1-0"]'},
    {"select": ['[name="q3-1"]', "q3-1-0"]},
    {"fill": ['[name="q4-1"]', "3.2"]},
    {"fill": ['[name="q5-1"]', "7"]},
    {"fill": ['[name="q6-1"]', "London"]},
]


def submit(*numbers: int) -> list[dict[str, object]]:
    """Submit the problems of these numbers, counted from 1 on the page."""
    return [{"click": f"form.problem >> nth={number - 1} >> button[type=submit]"} for number in numbers]
