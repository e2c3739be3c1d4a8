"""The admin app, with the desk as its site."""

from django.contrib.admin.apps import AdminConfig


class DeskConfig(AdminConfig):
    """`django.contrib.admin` whose `admin.site` is the desk."""

    default_site = "portal.desk.site.DeskSite"

    def ready(self) -> None:
        """Leave out Django's groups: there are agents and administrators, and nothing between."""
        super().ready()
        from django.contrib import admin
        from django.contrib.auth.models import Group

        admin.site.unregister(Group)
