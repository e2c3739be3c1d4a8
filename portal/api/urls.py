"""The addresses of the API."""

from django.urls import path, re_path

from portal.api import cases, choices, deliveries, messages, offers, page, view

app_name = "api"
urlpatterns = [
    path("v1/", page.page, name="page"),
    path("v1/schema/", page.schema, name="schema"),
    path("v1/channels/", offers.Channels.as_view(), name="channels"),
    path("v1/topics/", offers.Topics.as_view(), name="topics"),
    path("v1/cases/", cases.Cases.as_view(), name="cases"),
    path("v1/cases/<str:reference>/", cases.OneCase.as_view(), name="case"),
    path("v1/cases/<str:reference>/messages/", messages.Messages.as_view(), name="messages"),
    path("v1/cases/<str:reference>/choice/", choices.NewChoice.as_view(), name="choice"),
    path("v1/cases/<str:reference>/choice/undo/", choices.UndoChoice.as_view(), name="undo"),
    path(
        "v1/cases/<str:reference>/deliveries/", deliveries.Deliveries.as_view(), name="deliveries"
    ),
    path("v1/files/<int:pk>/", messages.OneFile.as_view(), name="file"),
    re_path(r"", view.Nowhere.as_view()),
]
