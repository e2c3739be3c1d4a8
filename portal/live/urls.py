"""The addresses of live pages, as far as Django answers them."""

from django.urls import path

from portal.live import poll, signs

app_name = "live"
urlpatterns = [
    path("", poll.no_stream, name="stream"),  # where the server can stream, `door` answers
    path("poll/", poll.poll, name="poll"),
    path("typing/", signs.typing, name="typing"),
    path("seen/", signs.seen, name="seen"),
]
