"""The verbs: one unit of work each: gather, decide, apply."""
