"""The URL map: the customer's site, the desk, the API, and the try-out pages in demo mode only."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("live/", include("portal.live.urls")),
    path("admin/", admin.site.urls),
    path("webhooks/", include("channels_app.webhooks")),
    path("api/", include("portal.api.urls")),
]
if settings.DEMO:
    urlpatterns.append(path("demo/", include("portal.simulator.urls")))
urlpatterns.append(path("", include("portal.site.urls")))

handler400 = "portal.errors.bad_request"
handler403 = "portal.errors.forbidden"
handler404 = "portal.errors.not_found"
handler500 = "portal.errors.broken"
