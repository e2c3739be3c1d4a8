from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0003_event_address")]

    operations = [
        migrations.AddIndex(
            model_name="choice",
            index=models.Index(fields=["kind"], name="choice_by_kind"),
        ),
    ]
