"""Renderers of reports: `text` for people, `json` for programs; `encoding` is how values are spelled in documents."""
