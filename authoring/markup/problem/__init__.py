r"""Problems: the Markdown of Studio's problem editor, and a richer dialect of it, to problem OLX and back.

    compile_problem      problem Markdown -> OLX, the text that Studio can go on editing, findings
    decompile_problem    OLX -> problem Markdown that compiles to the same OLX, or None

Studio's dialect
----------------
Text means what it means in Studio, to the character; the OLX is the one that Studio's converter makes::

    Title                                  a line underlined with two or more `=` is a header
    =====
    >>Question||Description<<              the question's label, and an optional description
    ( ) wrong   (x) right {{ feedback }}   one of several; (@) stays in place, (!) shuffles the others
    [ ] wrong   [x] right {{ selected: A }, { unselected: B }}
    {{ ((A C)) feedback for ticking exactly the first and the third }}
    [[wrong, (right), wrong]]              a dropdown; over several lines with one option, and feedback, on each
    = 100 +- 5% {{ label:: feedback }}     a number; `or= 90` below it is right as well
    = [5, 7)                               a range
    = Paris                                text; `or=` right as well, `not=` feedback for a wrong answer
    s= 42                                  text, although it looks like a number
    =|colou?r                              a regular expression
    ||a hint||                             shown on request, one after the other
    [explanation] … [/explanation]         shown after answering
    [code] … [/code]
    ---                                    between two questions

Everything else is a paragraph a line. There is no inline Markdown; HTML passes through; `&` and `<` are entities. What
Studio's converter would lose or break is repaired, with a finding, where the meaning is plain: the repaired text then
is the `studio_markdown` of the result, because Studio makes the same OLX of it.

The richer dialect
------------------
A problem is in the richer dialect exactly when its first line that is not blank reads `[markdown]`. Then all text is
Markdown (emphasis, links, images, code, tables, lists, `$maths$`), the marks above keep their meaning at the
beginning of a line, and there is more::

    [question points=2 partial_credit=edc] options of the question below: label, points, partial_credit (edc, halves;
                                           close, list with partial_range and partial_answers for numbers),
                                           answer_pool, case_sensitive, inline, size, trailing_text
    (50%) half right                       partial credit for a choice
    n= 2*$a +- 1%                          a number given as an expression
    [formula answer="m*c^2" samples="m,c@1,1:9,9#10" tolerance="1%"]
    [python file=graders/sum.py]           a script from a file; or [python] … [/python] around it
    [grader function=check expect="5, 5" inputs=2]
    [jsinput file=../static/tool.html function=check gradefn=grade width=400 height=300]

Variables of the script stand in text and answers as `$name`: with random ones each learner gets another draft of the
question. In such a problem `$…$` is no maths, `\(…\)` is. Studio cannot edit the richer dialect as Markdown, so
`studio_markdown` is None.
"""

from authoring.markup.problem.compiler import CompiledProblem, compile_problem
from authoring.markup.problem.decompile import decompile_problem

__all__ = ["CompiledProblem", "compile_problem", "decompile_problem"]
