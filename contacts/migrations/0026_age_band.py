from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('contacts', '0025_nudges_off'),
    ]

    operations = [
        migrations.AddField(
            model_name='organisation',
            name='uses_age_band',
            field=models.BooleanField(default=False, verbose_name='uses age groups'),
        ),
        migrations.AddField(
            model_name='customer',
            name='age_band',
            field=models.CharField(blank=True, choices=[('18-34', '18 to 34'), ('35-54', '35 to 54'), ('55+', '55 or older')], max_length=8, verbose_name='age group'),
        ),
    ]
