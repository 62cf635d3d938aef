"""Mutants that no observer can tell from the real one, and why. For mutate.py."""

EQUIVALENT = {
}
