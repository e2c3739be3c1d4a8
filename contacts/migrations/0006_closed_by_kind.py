"""Bounced and stopped hold for one kind of an address: a number is three of them."""

from django.db import migrations, models
from django.db.models import Q

KINDS = {"post": "letter"}  # the kind that an address of a scheme had until now; else its name


def to_kinds(apps, schema_editor):
    Identity = apps.get_model("contacts", "Identity")
    marked = Identity.objects.exclude(Q(bounced_at=None) & Q(stopped_at=None))
    for identity in marked.iterator():
        at = identity.stopped_at or identity.bounced_at
        why = "stopped" if identity.stopped_at else "bounced"
        kind = KINDS.get(identity.scheme, identity.scheme)
        identity.closed = {kind: {"why": why, "at": at.isoformat()}}
        identity.save(update_fields=["closed"])


def from_kinds(apps, schema_editor):
    Identity = apps.get_model("contacts", "Identity")
    for identity in Identity.objects.exclude(closed={}).iterator():
        for mark in identity.closed.values():
            setattr(identity, f"{mark['why']}_at", mark["at"])
        identity.save(update_fields=["bounced_at", "stopped_at"])


class Migration(migrations.Migration):

    dependencies = [
        ('contacts', '0005_join_codes'),
    ]

    operations = [
        migrations.AddField(
            model_name='identity',
            name='closed',
            field=models.JSONField(blank=True, default=dict, verbose_name='closed'),
        ),
        migrations.RunPython(to_kinds, from_kinds),
        migrations.RemoveField(model_name='identity', name='bounced_at'),
        migrations.RemoveField(model_name='identity', name='stopped_at'),
    ]
