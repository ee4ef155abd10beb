"""Markdown to what the platform takes: prose to HTML (`prose`, `links`), problem Markdown to problem OLX
(`problem`)."""
