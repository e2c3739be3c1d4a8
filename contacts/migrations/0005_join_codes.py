import contacts.kinds
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('contacts', '0004_choice_by_kind'),
    ]

    operations = [
        migrations.AddField(
            model_name='code',
            name='kind',
            field=models.CharField(blank=True, choices=contacts.kinds.kind_choices, max_length=32),
        ),
        migrations.AddField(
            model_name='code',
            name='once',
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name='event',
            name='sort',
            field=models.CharField(choices=[('opened', 'opened'), ('chosen', 'way to answer chosen'), ('switched', 'switched'), ('calls', 'calls allowed or not'), ('assigned', 'assigned'), ('resolved', 'resolved'), ('reopened', 'reopened'), ('topic', 'topic changed'), ('overridden', 'another channel used'), ('refused', 'refused'), ('failed', 'did not arrive'), ('uncertain', 'not sure that it arrived'), ('attempted', 'tried'), ('done', 'done by a person'), ('proved', 'address proved'), ('merged', 'joined'), ('unmerged', 'taken apart'), ('moved', 'message moved'), ('address', 'address used again'), ('invited', 'asked to write by another way'), ('questioned', "somebody else's address asks to join"), ('stopped', 'messages stopped or started'), ('corrected', 'message changed afterwards')], max_length=16),
        ),
    ]
