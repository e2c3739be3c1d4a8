from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels_app', '0005_channel_reading'),
        ('contacts', '0007_questions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='channel',
            name='appends_by_sender',
            field=models.BooleanField(default=False, help_text='Messages from a number may join its open case. Numbers can be forged: nothing is shown on their strength.', verbose_name='messages may join by their number'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('provider_id', ''), _negated=True), fields=['channel', 'provider_id'], name='delivery_provider_id'),
        ),
    ]
