"""Cases that a broker does not hold yet, each with what is wrong; a case that holds again has to leave the list."""

KNOWN: dict[tuple[str, str], str] = {}
