"""The full-text index: an expression index on PostgreSQL, an FTS5 table on SQLite.

No triggers: Django's table rebuild on SQLite drops them silently.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

FORWARD = {
    "postgresql": "CREATE INDEX contacts_search_text ON contacts_searchentry"
    " USING gin (to_tsvector('simple', text))",
    "sqlite": "CREATE VIRTUAL TABLE contacts_search_fts"
    " USING fts5(text, tokenize = 'unicode61 remove_diacritics 0', prefix = '2 3')",
}
BACK = {
    "postgresql": "DROP INDEX contacts_search_text",
    "sqlite": "DROP TABLE contacts_search_fts",
}


def create(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Make the index of this database."""
    editor.execute(FORWARD[editor.connection.vendor])


def drop(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Take it away."""
    editor.execute(BACK[editor.connection.vendor])


class Migration(migrations.Migration):
    """After the tables."""

    dependencies = [("contacts", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
