"""The portal's pages, and the yardstick beside them in the same process."""

from django.urls import include, path

from benchmarks.yardstick import views

urlpatterns = [
    path("yardstick/", views.insert),
    path("", include("portal.urls")),
]
