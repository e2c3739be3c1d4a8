"""What can be chosen: the offered channels with state and promise, and the topics."""

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app import promises, slots
from contacts.models import Organisation, Topic
from portal.api import scopes
from portal.api.described import operation
from portal.api.shown import ChannelList, ChannelShape, TopicList, TopicShape
from portal.api.view import View
from portal.context import promises_kept


class Channels(View):
    """Every offered way to be answered."""

    needs = {"GET": (scopes.CHANNELS_READ,)}

    @operation(
        "list_channels",
        "List the offered channels with their state, their promise and the next free times",
        answer=ChannelList,
        scope=scopes.CHANNELS_READ,
    )
    def get(self, request: Request) -> Response:
        """One row a kind, in the order of the chooser; words in the language of the request."""
        organisation = Organisation.current()
        now, figures = timezone.now(), promises_kept(organisation)
        board = promises.board(organisation, now, figures=figures)
        board = [offer for offer in board if slots.can_be_chosen(offer.channel, now)]
        return Response({"results": [ChannelShape.of(offer) for offer in board]})


class Topics(View):
    """Every offered topic."""

    needs = {"GET": (scopes.CHANNELS_READ,)}

    @operation(
        "list_topics",
        "List what a question can be about",
        answer=TopicList,
        scope=scopes.CHANNELS_READ,
    )
    def get(self, request: Request) -> Response:
        """In their order; words in the language of the request."""
        return Response({"results": [TopicShape.of(topic) for topic in Topic.objects.offered()]})
