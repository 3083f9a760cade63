"""The tests of tradingd; a package of its own, so that no installed one of the same name can take its place."""
