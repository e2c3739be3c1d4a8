"""The admin app, with the desk as its site."""

from django.contrib.admin.apps import AdminConfig


class DeskConfig(AdminConfig):
    """`django.contrib.admin` whose `admin.site` is the desk."""

    default_site = "portal.desk.site.DeskSite"
