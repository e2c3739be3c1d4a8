from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('contacts', '0023_told_of_appointments'),
    ]

    operations = [
        migrations.AddField(
            model_name='case',
            name='hints_off',
            field=models.JSONField(blank=True, default=list),
        ),
    ]
