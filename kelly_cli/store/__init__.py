"""The database's words stop here: tables, statements, connections, migrations."""
