"""A customer goes on another way, with answers that wait and follow."""

import itertools
import re
from collections.abc import Iterator
from statistics import median

from benchmarks import shop
from benchmarks.house import House
from benchmarks.load import Browser
from benchmarks.table import Figure, milliseconds
from channels_app import dispatch, switching
from channels_app.models import Delivery
from contacts import services
from contacts.models import Identity, User

CASES, TIMES = 10, 12  # one case allows thirty switches an hour
TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="([^"]+)"')
HOME = "Main Street 1\n1000 AA Town"


class Customer:
    """Somebody with the page of a question open, who was answered by mail and by letter before."""

    def __init__(self, house: House, number: int, waiting: int) -> None:
        case = shop.a_case(number)
        self.case, self.path = case, f"/q/{case.reference}/switch/"
        by_mail, by_letter = case.choice, Identity.of("post", HOME)
        assert by_mail is not None and by_mail.identity is not None
        switching.switch(case=case, kind="letter", identity=by_letter)
        self.ways = itertools.cycle((f"email:{by_mail.identity.pk}", f"letter:{by_letter.pk}"))
        agent = User.objects.get(username=shop.AGENT)
        for answer in range(waiting):
            dispatch.reply(case=case, staff=agent, text=f"Answer {answer}, which waits.")
        self.browser = Browser(house.web_port, f"198.51.{number // 250 % 250}.{number % 250}")
        link = f"/c/{services.case_link(case).plain}/"
        self.token = self._token(link)
        form = {"csrfmiddlewaretoken": self.token}
        assert self.browser.send("POST", link, form).status == 302
        self.token = self._token(self.path)

    def _token(self, path: str) -> str:
        found = TOKEN.search(self.browser.send("GET", path).body)
        assert found, path
        return found[1].decode()

    def switch(self) -> float:
        """Press the button of the other way; seconds until the answer is there."""
        form = {"csrfmiddlewaretoken": self.token, "way": next(self.ways)}
        answer = self.browser.send("POST", self.path, form)
        assert answer.status == 302, (answer.status, answer.body[:2000])
        return answer.seconds


def switch(house: House, _cases: int) -> Iterator[Figure]:
    """The form post of a switch, one at a time: nothing waits, and five answers follow."""
    for place, waiting in enumerate((0, 5)):
        times, plain = list[float](), list[float]()
        for number in range(CASES):
            one = Customer(house, 20_000 + place * CASES + number, waiting)
            one.switch()
            one.switch()  # to warm up, and back
            for _turn in range(TIMES):
                times.append(one.switch())
                yardstick = one.browser.send("POST", "/yardstick/", {"text": "a" * 40})
                plain.append(yardstick.seconds)
            follow = Delivery.objects.filter(status__in=("queued", "todo"), message__template="")
            assert follow.filter(message__case=one.case).count() == waiting
        yield Figure(
            f"switch, {waiting} answers follow",
            milliseconds(times),
            f"three inserts {median(plain) * 1000:.1f} ms",
            median(times) / median(plain),
            "p50 50 ms",
            median(times) < 0.05,
        )
