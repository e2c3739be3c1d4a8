"""The customer's pages."""

from django.urls import path

from portal.site import (
    brand,
    case_link,
    files,
    keep,
    language,
    preferences,
    question,
    questions,
    reach,
    sign_in,
    start,
    switch,
)

app_name = "site"
urlpatterns = [
    path("", start.start, name="start"),
    path("advice/", start.advice, name="advice"),
    path("q/<str:reference>/", question.question, name="question"),
    path("q/<str:reference>/news/", question.refresh, name="refresh"),
    path("q/<str:reference>/solved/", question.solved, name="solved"),
    path("q/<str:reference>/again/", question.again, name="again"),
    path("q/<str:reference>/call-code/", question.call_code, name="call_code"),
    path("q/<str:reference>/keep/", keep.keep, name="keep"),
    path("q/<str:reference>/switch/", switch.switch, name="switch"),
    path("q/<str:reference>/switch/code/", switch.code, name="switch_code"),
    path("q/<str:reference>/switch/undo/", switch.undo, name="undo"),
    path("q/<str:reference>/write/again/", switch.write_again, name="write_again"),
    path("q/<str:reference>/write/off/", switch.write_off, name="write_off"),
    path("q/<str:reference>/calls/", switch.calls, name="calls"),
    path("c/<str:code>/", case_link.case_link, name="case_link"),
    path("questions/", questions.questions, name="questions"),
    path("sign-in/", sign_in.sign_in, name="sign_in"),
    path("sign-in/code/", sign_in.code, name="sign_in_code"),
    path("sign-in/letter/", sign_in.paper, name="paper"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("preferences/", preferences.preferences, name="preferences"),
    path("preferences/addresses/", preferences.add_address, name="add_address"),
    path("preferences/addresses/code/", preferences.prove, name="prove"),
    path("preferences/addresses/<int:pk>/code/", preferences.prove_address, name="prove_address"),
    path(
        "preferences/addresses/<int:pk>/remove/", preferences.remove_address, name="remove_address"
    ),
    path("files/<int:pk>/", files.file, name="file"),
    path("files/message/<int:pk>/", files.message, name="message"),
    path("files/message/<int:pk>/body/", files.message_html, name="message_html"),
    path("ways/", reach.reach, name="ways"),
    path("language/", language.language, name="language"),
    path("brand.css", brand.brand_css, name="brand"),
    path("icon.svg", brand.icon, name="icon"),
    path("logo", files.logo, name="logo"),
]
