"""Chats at the desk in a real browser: keys, canned answers, files, who is there, sounds."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from channels_app import dispatch
from contacts import services
from contacts.models import CannedAnswer, Case, Message, Topic, User
from tests import shop
from tests.browser import test_desk_axe
from tests.browser.test_desk_asks import at
from tests.browser.test_desk_axe import Visit, ask, look
from tests.core.chats import offer_chat

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
full, visit = test_desk_axe.full, test_desk_axe.visit
TEXT = "[data-write=answer] textarea"


@pytest.fixture
def chats(full: Case) -> list[Case]:
    """Two chats of Anna's, one of nobody, and canned answers."""
    organisation, agent = full.organisation, User.objects.get(username="anna")
    offer_chat(organisation)
    names = ("Is it there?", "And in blue?", "Anybody?")
    found = [ask(organisation, text, kind="chat", address="", came_by="chat") for text in names]
    for case in found[:2]:
        services.assign(case=case, to=agent, by=agent)
    for word, text, topic in (
        ("hello", "Hello, this is {agent}.", None),
        ("hours", "We are open on weekdays.", None),
        ("brakes", "Bring it in.", Topic.objects.get(slug="repair")),
    ):
        CannedAnswer.objects.create(
            organisation=organisation, word=word, text={"en": text}, topic=topic
        )
    return found


def tell(page: Page, name: str, **detail: Any) -> None:
    """What the line says, as it says it."""
    page.evaluate(
        "([name, detail]) => document.dispatchEvent(new CustomEvent(name, { detail }))",
        [f"live:{name}", detail],
    )


def of(case: Case) -> str:
    return f"/admin/cases/{case.reference}/"


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (1280, "dark")])
def test_axe_finds_nothing_in_chats(
    visit: Visit, chats: list[Case], width: int, theme: str
) -> None:
    at(visit("/admin/"), width, theme)
    page = visit("/admin/chats/")
    tell(page, "here", key=f"l:{chats[0].reference}", here=True, who="", since="")
    look(page, "my chats")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    look(page, "keys")
    page = visit(of(chats[0]))
    tell(page, "here", key=f"d:{chats[0].reference}", here=True, who="", since="")
    tell(page, "typing", key=f"d:{chats[0].reference}", who="")
    page.click(TEXT)
    page.keyboard.type("/")
    expect(page.locator("#canned")).to_be_visible()
    look(page, "canned answers at a chat")
    look(visit("/admin/alerts/"), "alerts with sounds")
    look(visit("/admin/me/"), "my settings")
    page = visit("/admin/")
    if width == 1280:
        page.click("#duty button[value=off]")
        page.wait_for_selector("text=What becomes of them?")
        look(page, "off duty")
        page.click("text=Stay on duty")
        page.click("#duty button[value=away]")
        page.wait_for_selector("text=I am back")
        look(page, "away")


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_a_colleague_s_chat_and_its_menu_on_both_screens(
    visit: Visit, chats: list[Case], width: int, theme: str
) -> None:
    cleo = shop.make_agent("cleo")
    services.assign(case=chats[2], to=cleo, by=cleo)
    at(visit("/admin/"), width, theme)
    page = visit(of(chats[2]))
    expect(page.locator("#whose")).to_contain_text("Cleo has this chat")
    page.click("details:has(#more-panel) > summary")
    expect(page.locator("#more-to option:checked")).to_have_text("Cleo (3 of 12)")
    look(page, "a colleague's chat")
    panel = page.locator("details[open] > .desk-menu__panel")
    assert panel.evaluate("box => box.scrollWidth <= box.clientWidth")
    duty = page.locator("#duty-menu" if width == 390 else "#duty")
    expect(page.locator("#duty" if width == 390 else "#duty-menu")).to_be_hidden()
    duty.locator("button[value=away]").click()
    expect(page.locator("#away")).to_contain_text("You are away")
    assert page.url.endswith(of(chats[2]))
    page.locator("#whose").get_by_text("Take over").click()
    expect(page.locator("#whose")).to_be_hidden()
    assert Case.objects.get(pk=chats[2].pk).assignee == User.objects.get(username="anna")


def test_enter_sends_in_a_chat_and_is_a_new_line_elsewhere(
    visit: Visit, full: Case, chats: list[Case]
) -> None:
    page = visit(of(chats[0]))
    page.fill(TEXT, "Yes")
    page.press(TEXT, "Shift+Enter")
    page.keyboard.type("it is.")
    page.keyboard.press("Enter")
    expect(page.locator("article.desk-message--out")).to_contain_text("it is.")
    expect(page.locator(TEXT)).to_have_value("")
    assert chats[0].messages.get(direction="out").text == "Yes\nit is."
    page.keyboard.press("Escape")
    page.click("h1")
    page.keyboard.press("?")
    page.uncheck("[data-enter-sends]")
    page.keyboard.press("Escape")
    page.fill(TEXT, "One")
    page.press(TEXT, "Enter")
    expect(page.locator(TEXT)).to_have_value("One\n")
    page = visit(of(full))
    page.evaluate("localStorage.removeItem('onecase-enter-sends')")
    page.reload()
    page.fill(TEXT, "By mail")
    page.press(TEXT, "Enter")
    expect(page.locator(TEXT)).to_have_value("By mail\n")


def test_one_key_goes_to_the_next_and_sending_goes_along(visit: Visit, chats: list[Case]) -> None:
    page = visit("/admin/chats/")
    page.keyboard.press("Alt+n")
    page.wait_for_url(f"**{of(chats[0])}**")
    page.fill(TEXT, "Half a thought")
    page.keyboard.press("Alt+n")
    page.wait_for_url(f"**{of(chats[1])}**")
    page.fill(TEXT, "In blue as well.")
    page.press(TEXT, "Control+Shift+Enter")
    page.wait_for_url(f"**{of(chats[0])}**")
    expect(page.locator(TEXT)).to_have_value("Half a thought")
    assert chats[1].messages.filter(direction="out", text="In blue as well.").count() == 1
    expect(visit(of(chats[1])).locator(TEXT)).to_have_value("")


def test_a_canned_answer_is_found_by_word_and_text_and_put_in(
    visit: Visit, chats: list[Case]
) -> None:
    Case.objects.filter(pk=chats[0].pk).update(topic=Topic.objects.get(slug="repair"))
    page = visit(of(chats[0]))
    options = page.locator("#canned [role=option]:visible")
    page.click(TEXT)
    page.keyboard.type("Dear /")
    expect(options).to_have_count(3)
    expect(options.first).to_contain_text("/brakes")
    expect(page.locator("[data-canned-status]")).to_contain_text("3 canned answers")
    page.keyboard.type("weekd")
    expect(options).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.locator(TEXT)).to_have_value("Dear We are open on weekdays.")
    expect(page.locator(TEXT)).to_be_focused()
    page.fill(TEXT, "")
    page.keyboard.type("/h")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")  # puts it in, and sends nothing
    expect(page.locator(TEXT)).to_have_value("Hello, this is Anna.")
    page.keyboard.press("Control+z")
    expect(page.locator(TEXT)).to_have_value("/h")
    page.keyboard.press("Escape")
    page.keyboard.type("o")
    expect(page.locator("#canned")).to_be_hidden()
    page.fill(TEXT, "1/")
    expect(page.locator("#canned")).to_be_hidden()
    page.fill(TEXT, "")
    page.click("[data-canned-open]")
    options.nth(1).click()
    expect(page.locator(TEXT)).to_have_value("Hello, this is Anna.")
    assert not chats[0].messages.filter(direction="out").exists()


def test_who_types_and_who_left_is_said_above_the_answer_and_in_the_list(
    visit: Visit, chats: list[Case]
) -> None:
    page = visit(of(chats[0]))
    page.clock.install()
    key, row = f"d:{chats[0].reference}", page.locator(f"#chat-{chats[1].reference}")
    line = page.locator("#with")
    expect(line).to_be_hidden()
    tell(page, "here", key=key, here=False, who="", since="")
    expect(line).to_be_hidden()  # they were never here
    tell(page, "here", key=key, here=True, who="", since="")
    tell(page, "typing", key=key, who="")
    tell(page, "typing", key=f"l:{chats[1].reference}", who="")
    expect(line).to_contain_text("has the page open")
    expect(line.locator(".desk-with__typing")).to_be_visible()
    expect(row.locator(".desk-chat__typing")).to_be_visible()
    page.clock.run_for(7000)
    expect(line.locator(".desk-with__typing")).to_be_hidden()
    expect(row.locator(".desk-chat__typing")).to_be_hidden()
    left = page.evaluate("new Date(Date.now() - 180000).toISOString()")
    tell(page, "here", key=key, here=False, who="", since=left)
    page.clock.run_for(1000)
    expect(line).to_contain_text("left: 3 min. ago")


LISTENED = """
window.wanted = [];
window.SharedWorker = class {
    port = { postMessage: (said) => said.kind === "want" && window.wanted.push(said.wants) };
};
"""
MOVED = """(order) => {
    const [row, ...others] = document.querySelectorAll("[data-hears]");
    for (const other of others) other.remove();
    const list = row.parentElement;
    const rows = order.map((number) => {
        const made = row.cloneNode(true);
        made.dataset.hears = `R-${number}`;
        return made;
    });
    list.replaceChildren(...rows);
    document.dispatchEvent(new CustomEvent("live:after", { detail: {} }));
    return window.wanted.length;
}"""


def test_a_long_list_that_is_put_in_another_order_listens_for_the_same_chats(
    visit: Visit, chats: list[Case]
) -> None:
    """Each change of them would be a new line, after which everything is asked for anew."""
    visit("/admin/").context.add_init_script(LISTENED)
    page = visit("/admin/chats/")
    begun = page.evaluate(MOVED, [*range(40)])
    assert page.evaluate(MOVED, [39, *range(39)]) == begun
    assert page.evaluate(MOVED, [*reversed(range(40))]) == begun
    # One that left makes room for one that was not listened for.
    assert page.evaluate(MOVED, [*range(39, 3, -1), 2, 1, 0]) == begun + 1
    heard = {key for key, *_since in page.evaluate("wanted.at(-1)") if key[0] == "l"}
    assert heard == {f"l:R-{number}" for number in [*range(30), 39] if number != 3}


def test_files_are_dropped_and_pasted(visit: Visit, chats: list[Case]) -> None:
    page = visit(of(chats[0]))
    drop: Callable[[str, str], Any] = lambda name, event: page.evaluate(  # noqa: E731
        """([name, event]) => {
            const data = new DataTransfer();
            data.items.add(new File(["hello"], name, { type: "text/plain" }));
            const target = document.querySelector("[data-write=answer] textarea");
            const init = { bubbles: true, cancelable: true };
            target.dispatchEvent(event === "paste"
                ? new ClipboardEvent(event, { ...init, clipboardData: data })
                : new DragEvent(event, { ...init, dataTransfer: data }));
        }""",
        [name, event],
    )
    drop("one.txt", "dragover")
    expect(page.locator("[data-drop]")).to_have_count(1)
    drop("one.txt", "drop")
    drop("two.txt", "paste")
    expect(page.locator("[data-write=answer] [data-file-names]")).to_have_text("one.txt, two.txt")
    page.fill(TEXT, "Here they are.")
    page.keyboard.press("Enter")
    expect(page.locator("article.desk-message--out")).to_contain_text("two.txt")
    sent = Message.objects.get(case=chats[0], direction="out")
    assert sorted(sent.attachments.values_list("name", flat=True)) == ["one.txt", "two.txt"]


def test_what_comes_while_one_looks_is_seen(visit: Visit, chats: list[Case]) -> None:
    page = visit(of(chats[0]))
    agent = User.objects.get(username="anna")
    services.file_message(case=chats[0], kind="chat", text="One more thing")
    with page.expect_response("**/seen/"):
        page.wait_for_selector("#timeline >> text=One more thing", timeout=9000)
    assert not agent.alerts.filter(case=chats[0], seen_at=None).exists()


RINGS = """
window.rung = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) {
    window.rung.push("note");
    return start.call(this, at);
};
window.Notification = class {
    static permission = "granted";
    static requestPermission = async () => "granted";
    constructor(title, options) { window.rung.push(title); this.options = options; }
};
"""


HEARD = """(call) => {
    const place = document.querySelector("#calls");
    place.dataset.calls += ` ${call}`;
    document.dispatchEvent(new CustomEvent("live:after", { detail: { old: place } }));
}"""


def test_one_tab_rings_for_a_chat_and_says_nothing_of_it(
    visit: Visit, full: Case, chats: list[Case]
) -> None:
    page = visit("/admin/cases/")
    context = page.context
    context.add_init_script(RINGS)
    page = visit("/admin/me/")
    page.check("[data-calls-sound]")
    expect(page.locator("[data-calls-state]")).to_have_text("")
    page.wait_for_function("rung.length === 2")  # so that one knows how it sounds
    page.check("[data-calls-notes]")
    page = visit("/admin/alerts/")
    expect(page.locator("[data-calls-notes]")).to_be_checked()
    page.wait_for_selector("html[data-calls=here]")
    page.evaluate("rung.length = 0")
    other = context.new_page()
    other.goto(page.url)
    other.wait_for_timeout(500)
    assert other.locator("html[data-calls]").count() == 0
    page.evaluate("document.hasFocus = () => false")
    services.file_message(case=chats[0], kind="chat", text="A secret")
    title = f"A customer writes: {chats[0].reference}"
    page.wait_for_function("title => rung.includes(title)", arg=title, timeout=20000)
    page.wait_for_function("rung.length === 3")
    assert sorted(page.evaluate("rung")) == [title, "note", "note"]
    assert other.evaluate("rung") == []
    dispatch.reply(case=chats[0], staff=User.objects.get(username="anna"), text="Yes")
    services.file_message(case=full, kind="email", text="A mail does not ring")
    page.wait_for_timeout(6000)
    assert page.evaluate("rung.length") == 3
    # One that nobody has, and that is given to Anna at once, is one ring.
    page.evaluate(HEARD, "X7X-7X7:free")
    page.evaluate(HEARD, "X7X-7X7:77")
    page.wait_for_function("rung.length === 6")
    waits = "A customer waits for a chat: X7X-7X7"
    assert sorted(page.evaluate("rung.slice(3)")) == [waits, "note", "note"]
    page.close()
    other.wait_for_selector("html[data-calls=here]")


def test_a_browser_that_was_told_no_says_what_to_do(visit: Visit, chats: list[Case]) -> None:
    page = visit("/admin/me/")
    page.evaluate("localStorage.setItem('onecase-calls-notes', 'true')")
    page.context.add_init_script("window.Notification = class { static permission = 'denied' }")
    page = visit("/admin/me/")
    expect(page.locator("[data-calls-notes]")).not_to_be_checked()
    expect(page.locator("[data-calls-state]")).to_contain_text("Allow them at the sign beside")
    page.context.add_init_script("delete window.Notification; delete window.AudioContext")
    page = visit("/admin/me/")
    expect(page.locator("[data-calls-notes]")).to_be_disabled()
    expect(page.locator("[data-calls-sound]")).to_be_disabled()
