"""The platform beside the course, typed: one class per area, each over `authoring.client.Client`.

Comes in: values. Goes out: records (`Record`), read from the replies with their unknown fields kept. Every request is an
`authoring.calls.Call`; a method that is not repeatable is sent once and never again by itself.
"""
