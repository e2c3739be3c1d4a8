"""What is there in a frame on another site: the customer's pages and their live line, no more."""

from django.urls import include, path

from portal.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500"]
urlpatterns = [
    path("live/", include("portal.live.urls")),
    path("", include("portal.site.urls")),
]
