"""A strategy's module that cannot be imported."""

raise RuntimeError("no luck")
