"""Courses written in Markdown and YAML, kept in git, live on Open edX.

Everything passes through one value, :class:`authoring.model.Course`: readers make it, writers consume it.
"""

__version__ = "0.1.0"
