"""What due times are counted with."""

from typing import Any

from django.db import models

from contacts.models import Organisation


class CountedWith(models.Model):
    """Of an organisation: who saves or removes one has what is due counted anew."""

    organisation_id: int

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; what is due is counted anew."""
        super().save(*args, **kwargs)
        Organisation.change_due(self.organisation_id)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Remove; what is due is counted anew."""
        Organisation.change_due(self.organisation_id)
        return super().delete(*args, **kwargs)
