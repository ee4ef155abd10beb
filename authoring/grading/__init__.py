"""Problems graded by the platform's own engine: the compiled OLX, judged by the code that will grade learners.

Needs `xblocks-contrib` (extra `real`), which runs in a process of its own: `engine` is that program, `process` talks to
it, `grading` turns a course into findings.
"""

from __future__ import annotations

from authoring.grading.grading import AnswerResult, ProblemGrade, grade_course, grade_problems, problems_of
from authoring.grading.process import EngineProcess, Graded, Verdict, available

__all__ = [
    "AnswerResult",
    "EngineProcess",
    "Graded",
    "ProblemGrade",
    "Verdict",
    "available",
    "grade_course",
    "grade_problems",
    "problems_of",
]
