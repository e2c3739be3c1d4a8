import contacts.kinds
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('contacts', '0006_closed_by_kind'),
    ]

    operations = [
        migrations.AddField(
            model_name='identity',
            name='guessed_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='identity',
            name='guesses',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='message',
            name='corrected',
            field=models.CharField(blank=True, choices=[('edited', 'changed by the customer'), ('deleted', 'deleted by the customer')], max_length=16),
        ),
        migrations.AlterField(
            model_name='event',
            name='sort',
            field=models.CharField(choices=[('opened', 'opened'), ('chosen', 'way to answer chosen'), ('switched', 'switched'), ('calls', 'calls allowed or not'), ('assigned', 'assigned'), ('resolved', 'resolved'), ('reopened', 'reopened'), ('topic', 'topic changed'), ('overridden', 'another channel used'), ('refused', 'refused'), ('failed', 'did not arrive'), ('uncertain', 'not sure that it arrived'), ('attempted', 'tried'), ('done', 'done by a person'), ('proved', 'address proved'), ('merged', 'joined'), ('unmerged', 'taken apart'), ('moved', 'message moved'), ('address', 'address used again'), ('invited', 'asked to write by another way'), ('questioned', "somebody else's address asks to join"), ('stopped', 'messages stopped or started'), ('corrected', 'message changed afterwards'), ('kept_out', 'file kept out')], max_length=16),
        ),
        migrations.CreateModel(
            name='Question',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sort', models.CharField(choices=[('join', 'Go on with that case here?')], max_length=16)),
                ('kind', models.CharField(choices=contacts.kinds.kind_choices, max_length=32)),
                ('answer', models.CharField(blank=True, max_length=16)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('case', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='contacts.case')),
                ('code', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='contacts.code')),
                ('identity', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='contacts.identity')),
                ('proof', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='contacts.code')),
            ],
            options={
                'verbose_name': 'question that waits',
                'verbose_name_plural': 'questions that wait',
                'constraints': [models.UniqueConstraint(condition=models.Q(('closed_at', None)), fields=('identity',), name='question_one_open')],
            },
        ),
    ]
