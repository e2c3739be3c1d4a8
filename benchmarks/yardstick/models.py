"""A table as plain as can be."""

from django.db import models


class Line(models.Model):
    """A text and a time, with one index."""

    text = models.TextField()
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        app_label = "yardstick"

    def __str__(self) -> str:
        return self.text[:40]
