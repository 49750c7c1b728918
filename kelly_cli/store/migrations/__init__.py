"""The schema's history, one file a revision; they run in the order of their numbers.

A revision is frozen once released: it spells out its own statements and never imports the tables,
which go on changing. To add one, take the next number and put it into tables.SCHEMA_REVISION too.
"""
