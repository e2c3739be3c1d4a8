"""The desk's own pages, in the namespace `admin`."""

from portal.desk import (
    actions,
    alerts,
    api_clients,
    approved_texts,
    case,
    channels,
    home,
    letter,
    me,
    organisation,
    quarantine,
    queue,
    record,
    staff,
    todo,
    topics,
)

urlpatterns = [
    *queue.urls(),
    *case.urls(),
    *actions.urls(),
    *record.urls(),
    *todo.urls(),
    *letter.urls(),
    *alerts.urls(),
    *me.urls(),
    *organisation.urls(),
    *channels.urls(),
    *approved_texts.urls(),
    *topics.urls(),
    *staff.urls(),
    *quarantine.urls(),
    *api_clients.urls(),
    *home.urls(),
]
