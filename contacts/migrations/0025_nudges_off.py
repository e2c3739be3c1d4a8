from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('contacts', '0024_due'),
    ]

    operations = [
        migrations.AddField(
            model_name='case',
            name='nudges_off',
            field=models.JSONField(blank=True, default=list),
        ),
    ]
