"""Problems: problem Markdown to problem OLX and back."""

from authoring.markup.problem.compiler import CompiledProblem, compile_problem

__all__ = ["CompiledProblem", "compile_problem"]
