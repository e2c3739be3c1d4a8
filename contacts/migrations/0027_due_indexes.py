"""The indexes of what is due and of age groups, by themselves: nobody waits while they are made."""

from typing import Any

from django.db import migrations, models


class AddIndexBeside(migrations.AddIndex):
    """Add an index while others read and write; on SQLite as usual.

    What a broken run left behind is made anew, so that the migration can be run again.
    """

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Add it."""
        if schema_editor.connection.vendor != "postgresql":
            return super().database_forwards(app_label, schema_editor, from_state, to_state)
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.remove_index(model, self.index, concurrently=True)  # if it is there
            schema_editor.add_index(model, self.index, concurrently=True)
        return None

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Remove it."""
        if schema_editor.connection.vendor != "postgresql":
            return super().database_backwards(app_label, schema_editor, from_state, to_state)
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.remove_index(model, self.index, concurrently=True)
        return None


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("contacts", "0026_age_band"),
    ]

    operations = [
        AddIndexBeside(
            model_name="case",
            index=models.Index(
                fields=["due_at", "near_at"],
                condition=models.Q(("due_at__isnull", False), ("root", None), ("state", "open")),
                name="case_due",
            ),
        ),
        AddIndexBeside(
            model_name="case",
            index=models.Index(
                fields=["warn_at"],
                condition=models.Q(("root", None), ("state", "open"), ("warn_at__isnull", False)),
                name="case_to_warn",
            ),
        ),
        AddIndexBeside(
            model_name="case",
            index=models.Index(
                fields=["due_as_of"],
                condition=models.Q(("root", None), ("state", "open")),
                name="case_to_reckon",
            ),
        ),
        AddIndexBeside(
            model_name="customer",
            index=models.Index(
                fields=["id"],
                condition=models.Q(("age_band", ""), _negated=True),
                name="customer_age_band",
            ),
        ),
    ]
