"""Everything under /demo/; portal.urls includes it in demo mode only."""

from django.urls import path

from portal.simulator import handset, meet, pages, panel, pocket, roles, storefront, tour
from portal.simulator.providers import door

app_name = "demo"
urlpatterns = [
    path("", pages.page, name="page"),
    path("now/", pages.now, name="now"),
    path("tour/again/", tour.again, name="again"),
    path("be/customer/<slug:slug>/", roles.be_customer, name="be_customer"),
    path("be/staff/<slug:username>/", roles.be_staff, name="be_staff"),
    path("language/", roles.language, name="language"),
    path("shop/<slug:language>/", storefront.page, name="storefront"),
    path("shop/<slug:language>/<slug:slug>/", storefront.page, name="ware"),
    path("pocket/", pocket.mails, name="pocket"),
    path("pocket/now/", pocket.now, name="pocket_now"),
    path("pocket/write/", pocket.write, name="write"),
    path("pocket/mail/<str:key>/", pocket.mail, name="mail"),
    path("pocket/mail/<str:key>/body/", pocket.body, name="body"),
    path("pocket/mail/<str:key>/file/<int:number>/", pocket.file, name="file"),
    path("pocket/letters/", pocket.letter_box, name="letters"),
    path("pocket/letters/<uuid:pk>/", pocket.letter, name="letter"),
    path("telephone/", handset.home, name="telephone"),
    path("telephone/now/", handset.now_there, name="telephone_now"),
    path("telephone/banner/", handset.banner, name="banner"),
    path("telephone/take/", handset.take_up, name="take_up"),
    path("telephone/open/", handset.open_link, name="open_link"),
    path("telephone/misbehave/", panel.panel, name="panel"),
    path("telephone/<slug:app>/", handset.threads, name="app"),
    path("telephone/<slug:app>/file/<str:key>/", handset.file, name="app_file"),
    path("telephone/<slug:app>/<str:owner>/<str:peer>/", handset.thread, name="thread"),
    path("meet/", meet.home, name="meet"),
    path("meet/<str:room>", meet.room, name="meet_room"),
    path("providers/<slug:place>/<path:rest>", door.view, name="provider"),
]
