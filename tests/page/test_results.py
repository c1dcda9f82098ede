"""The results: cards of every kind, their actions, kinds, facets, orders and pages, by pointer, touch and keyboard."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from omnisearch.query.expressions import ItemRef
from omnisearch.query.query import Query
from omnisearch.stores.base import Payload
from omnisearch.types import Answer, Match, Modality, Region, Segment
from tests.api.conftest import HOSTILE_NAME, IDS, ScriptedEngine
from tests.page.conftest import BROWSER, CARD, answered, check_accessibility, search, visited, wait_for

pytestmark = BROWSER

KINDS = ("Pictures", "Sounds", "Text", "Films", "3D")


@pytest.fixture
def answers(
    engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Query, Answer], Answer]], None]:
    """Change the answers of the engine."""

    def change(by: Callable[[Query, Answer], Answer]) -> None:
        original = engine.search
        monkeypatch.setattr(engine, "search", lambda query, *rest: by(query, original(query, *rest)))

    return change


def with_hit(answer: Answer, name: str, **changes: Any) -> Answer:
    """The answer with some fields of the hit of a file changed."""
    return replace(answer, hits=tuple(replace(h, **changes) if h.id == IDS[name] else h for h in answer.hits))


def card(page: Any, kind: str) -> Any:
    return page.locator(f"{CARD}.{kind}")


def link(page: Any, name: str) -> Any:
    return page.locator(f'[data-card="{IDS[name]}"]')


def test_words_find_cards_of_every_kind(page: Any) -> None:
    search(page, "dog")
    wait_for(page, CARD, 6)
    for kind, count in (("image", 1), ("audio", 1), ("text", 2), ("video", 1), ("point_cloud", 1)):
        assert card(page, kind).count() == count
    assert link(page, "im").get_attribute("aria-label") == "dog.png, picture, 90 % relevant"
    card(page, "audio").locator("svg path").first.wait_for()


def test_a_hostile_name_and_snippet_are_words(page: Any) -> None:
    search(page, "dog")
    wait_for(page, CARD, 6)
    texts = page.locator(CARD).all_text_contents()
    assert any(HOSTILE_NAME in text for text in texts)
    assert any("<script>alert(2)</script>" in text for text in texts)
    assert page.locator(f"{CARD} script, {CARD} img[src='x']").count() == 0


def test_what_matches_is_divided_from_the_rest(page: Any, answers: Any) -> None:
    answers(lambda _, answer: replace(answer, cut=0.65, matching={Modality.IMAGE: 1, Modality.TEXT: 2}))
    search(page, "dog")
    page.get_by_role("list", name="Less likely").locator("article").first.wait_for()
    assert page.get_by_role("list", name="Likely matches").locator("article").count() == 3
    assert page.get_by_role("list", name="Less likely").locator("article").count() == 3
    assert page.get_by_role("status").first.text_content() == "3 likely matches"
    assert "Pictures1" in page.get_by_role("group", name="Kinds").inner_text().replace("\n", "")


def test_nothing_matches_says_so_and_leads_out(page: Any, engine: ScriptedEngine) -> None:
    engine.nothing_matches = True
    page.goto("?text=1:smell&where=size>0&in=image&sort=name")
    page.get_by_role("heading", name="Nothing matches \u201csmell\u201d").wait_for()
    for way, field, expected in (
        ("Remove the filters", "where", ()),
        ("Search in all kinds", "modalities", tuple(Modality)),
        ("Show everything by relevance", "sort", "relevance"),
        ("Search by meaning only", "words", False),
    ):
        with answered(page):
            page.get_by_role("button", name=way).click()
        assert getattr(engine.queries[-1], field) == expected
    page.get_by_role("button", name="Search names and texts too").wait_for()


def test_kinds_views_and_orders_are_asked_for_and_remembered(page: Any, engine: ScriptedEngine) -> None:
    search(page, "dog")
    wait_for(page, CARD, 6)
    with answered(page):
        page.get_by_role("radio", name="Sounds").check(force=True)
    wait_for(page, CARD, 1)
    assert engine.queries[-1].modalities == (Modality.AUDIO,)
    with answered(page):
        page.get_by_role("radio", name="All").check(force=True)
    with answered(page):
        page.get_by_role("group", name="View").get_by_text("Kinds").click()
    page.get_by_role("heading", name="Pictures").wait_for()
    assert page.locator("main h2").all_text_contents() == list(KINDS)
    with answered(page):
        page.get_by_role("group", name="View").get_by_text("Days").click()
    page.get_by_role("heading", name="Friday, July 14, 2023").wait_for()
    with answered(page):
        page.get_by_label("Order").select_option("Last changed")
    asked = engine.queries[-1]
    assert (asked.group, asked.sort, asked.limit) == ("day", "modified", 40)
    with answered(page):
        page.reload()
    assert engine.queries[-1] == asked
    with answered(page):
        page.go_back()
    assert engine.queries[-1].sort == "relevance"


def test_a_facet_adds_a_condition_that_can_be_removed(page: Any, engine: ScriptedEngine) -> None:
    search(page, "dog")
    button = page.get_by_role("button", name="Type", exact=True)
    button.click()
    with answered(page):
        page.get_by_role("button", name="image/png").click()
    assert [str(condition.written) for condition in engine.queries[-1].where] == ["mime:image/png"]
    with answered(page):
        page.get_by_role("button", name="Remove Type: image/png").click()
    assert not engine.queries[-1].where


def test_a_hit_steers_the_query(page: Any, engine: ScriptedEngine) -> None:
    search(page, "dog")
    wait_for(page, CARD, 6)
    card(page, "audio").hover()
    with answered(page):
        page.get_by_role("button", name="Less like bark.wav").click()
    terms = engine.queries[-1].terms
    assert [(term.source, term.weight) for term in terms] == [("dog", 1.0), (ItemRef(IDS["au"]), -0.5)]
    link(page, "au").focus()
    with answered(page):
        page.keyboard.press("+")
    assert [term.weight for term in engine.queries[-1].terms] == [1.0, 1.0]
    with answered(page):
        page.get_by_role("button", name="More like bark.wav").click()
    assert len(engine.queries[-1].terms) == 1


def test_a_card_can_be_dragged(page: Any) -> None:
    search(page, "dog")
    page.evaluate(
        """() => document.addEventListener("dragstart", (event) => {
            document.title = event.dataTransfer.getData("application/x-omnisearch-item");
        })"""
    )
    link(page, "im").dispatch_event("dragstart", {"dataTransfer": page.evaluate_handle("() => new DataTransfer()")})
    assert json.loads(page.title()) == {"id": IDS["im"], "label": "dog.png", "modality": "image"}


def test_text_shows_the_marked_words_and_the_field(page: Any, answers: Any) -> None:
    def matched(field: str, text: str, mark: tuple[int, int], **more: Any) -> tuple[Match, ...]:
        return (Match("dog", 1.0, 0.1, field=field, text=text, marks=(mark,), **more),)

    def change(_: Query, answer: Answer) -> Answer:
        answer = with_hit(answer, "tx", matched_by=matched("passage", "Ein Hund und ein Dog", (17, 20)))
        answer = with_hit(answer, "au", matched_by=matched("speech", "the dog barks", (4, 7), start=62.0, end=64.0))
        box = Region(0.25, 0.5, 0.5, 0.25, relative=True)
        return with_hit(answer, "im", matched_by=matched("ocr", "beware of the dog", (14, 17), box=box))

    answers(change)
    search(page, "dog")
    wait_for(page, f"{CARD} mark", 3)
    assert sorted(page.locator(f"{CARD} mark").all_text_contents()) == ["Dog", "dog", "dog"]
    assert "Speech1:02the dog barks" in card(page, "audio").inner_text().replace("\n", "")
    assert "Text in picturebeware of the dog" in card(page, "image").inner_text().replace("\n", "")
    stage = card(page, "image").locator("img").bounding_box()
    box = card(page, "image").locator(".stage .stage > span").bounding_box()
    assert (box["x"] - stage["x"]) / stage["width"] == pytest.approx(0.25, abs=0.02)
    assert box["height"] / stage["height"] == pytest.approx(0.25, abs=0.02)
    assert "at=62" in (link(page, "au").get_attribute("href") or "")


def test_one_card_plays_at_a_time_from_the_matched_second(page: Any, answers: Any) -> None:
    span = Segment(0, 7.0, 9.0, "seconds")
    answers(lambda _, answer: with_hit(with_hit(answer, "au", segment=span), "vi", segment=span))
    page.watch.expect("decode|supported source")  # the film of this collection is none
    search(page, "dog")
    wait_for(page, CARD, 6)
    page.get_by_role("button", name="Play bark.wav").click()
    assert page.locator("audio").get_attribute("src") == f"v1/items/{IDS['au']}/content#t=7"
    link(page, "vi").focus()
    page.keyboard.press("Space")
    wait_for(page, "audio", 0)
    assert page.locator("video").get_attribute("src") == f"v1/items/{IDS['vi']}/content#t=7"
    page.keyboard.press("Space")
    wait_for(page, "video", 0)


def test_a_film_shows_itself_without_sound_to_a_pointer_that_rests(page: Any) -> None:
    page.watch.expect("decode|supported source")
    search(page, "dog")
    card(page, "video").hover()
    page.locator("video").wait_for()
    assert page.locator("video").evaluate("film => film.muted")
    page.mouse.move(0, 0)
    wait_for(page, "video", 0)
    card(page, "audio").hover()
    page.wait_for_timeout(600)
    assert page.locator("audio").count() == 0


def test_shots_of_a_film_lead_to_their_second(page: Any, answers: Any, engine: ScriptedEngine) -> None:
    film = next(p for p in engine.payloads if p.item_id == IDS["vi"])
    spans = [Segment(n, 10.0 * n, 10.0 * n + 9, "seconds") for n in range(12)]
    others = [p for p in engine.payloads if p is not film]
    engine.payloads = [*others, *[replace(film, segment=span, segments=12, duration=120.0) for span in spans]]
    answers(lambda _, answer: with_hit(answer, "vi", segment=spans[5]))
    page.watch.expect("decode|supported source|no frame|has no")
    search(page, "dog")
    link(page, "vi").focus()
    wait_for(page, f"{CARD} ol button", 7)
    assert "0:20" in page.locator(f"{CARD} ol button").first.get_attribute("aria-label")
    page.locator(f"{CARD} ol button[aria-current='true']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    assert f"open={IDS['vi']}&at=60" in page.url


def test_near_duplicates_open_in_place(page: Any, answers: Any) -> None:
    answers(lambda _, answer: with_hit(replace(answer, hits=answer.hits[:2]), "im", duplicates=(IDS["3d"], "gone")))
    search(page, "dog")
    wait_for(page, CARD, 2)
    fold = page.get_by_role("button", name="+2")
    fold.click()
    wait_for(page, CARD, 3)
    assert page.locator("[data-card]").nth(1).get_attribute("data-card") == IDS["3d"]
    fold.click()
    wait_for(page, CARD, 2)


@pytest.fixture
def long(page: Any, answers: Any, payloads: tuple[Payload, ...]) -> list[str]:
    """Pages of a long list: 40 pictures each, with 120 in all; gives the cursors that were asked for."""
    asked: list[str] = []

    def change(query: Query, answer: Answer) -> Answer:
        asked.append(query.cursor)
        first = int(query.cursor or 0)
        one = next(hit for hit in answer.hits if hit.modality is Modality.IMAGE)
        hits = tuple(replace(one, id=f"{n:032x}", path=f"/x/{n}.png", relevance=0.9) for n in range(first, first + 40))
        return replace(answer, hits=hits, next_cursor=str(first + 40) if first < 80 else None)

    answers(change)
    page.watch.expect("no item")  # pictures that are in no index
    return asked


def test_more_results_come_as_the_page_scrolls_and_no_card_moves(page: Any, long: list[str]) -> None:
    page.set_viewport_size({"width": 1000, "height": 700})
    search(page, "dog")
    page.locator(CARD).nth(20).wait_for()
    spots = """() => [...document.querySelectorAll("[data-card]")].map((card) => {
        const { x, y } = card.getBoundingClientRect();
        return [card.dataset.card, x, y + scrollY];
    })"""
    before = page.evaluate(spots)
    link_ = page.locator("[data-card]").nth(3)
    link_.focus()
    focused = link_.get_attribute("data-card")
    page.mouse.move(500, 500)
    while page.locator(CARD).count() < 120:
        page.mouse.wheel(0, 3000)
        page.wait_for_timeout(50)
    assert page.evaluate(spots)[: len(before)] == before
    assert page.evaluate("document.activeElement.dataset.card") == focused
    assert long == ["", "40", "80"]
    page.get_by_text("That is everything.").wait_for()


def test_a_page_that_fails_is_asked_for_again(page: Any, long: list[str]) -> None:
    page.watch.expect("status of 500")

    def later_fails(route: Any) -> None:
        if "cursor" in route.request.post_data:
            route.fulfill(status=500, body="{}")
        else:
            route.continue_()

    page.route("**/v1/search", later_fails)
    search(page, "dog")
    again = page.get_by_role("button", name="Try again")
    again.wait_for()
    assert page.locator(CARD).count() > 20
    page.unroute("**/v1/search")
    again.click()
    page.locator(CARD).nth(60).wait_for()


def test_arrow_keys_move_among_cards_and_enter_opens(page: Any, long: list[str]) -> None:
    page.set_viewport_size({"width": 1000, "height": 700})
    search(page, "dog")
    page.locator(CARD).nth(20).wait_for()
    number = "() => [...document.querySelectorAll('[data-card]')].indexOf(document.activeElement)"
    page.locator("[data-card]").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(number) == 1
    page.keyboard.press("ArrowDown")
    below = page.evaluate(number)
    assert below > 2
    page.keyboard.press("ArrowUp")
    assert page.evaluate(number) == 1
    assert page.locator("[data-card][tabindex='0']").count() == 1
    chosen = page.evaluate("document.activeElement.dataset.card")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    assert f"open={chosen}" in page.url


def test_a_touch_screen_has_the_actions_in_a_menu(url: str, browser: Any, engine: ScriptedEngine) -> None:
    phone = {"has_touch": True, "is_mobile": True, "viewport": {"width": 360, "height": 740}}
    with visited(browser, url, **phone) as page:
        page.goto("?text=1:dog")
        page.get_by_role("button", name="Actions for dog.png").tap()
        with answered(page):
            page.get_by_role("button", name="More like this").tap()
        assert [str(term.source) for term in engine.queries[-1].terms][1:] == [str(ItemRef(IDS["im"]))]
        small = page.evaluate(
            """() => [...document.querySelectorAll("main button, main select")]
                .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 24).length"""
        )
        assert small == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    for address in ("?text=1:dog", "?text=1:dog&group=modality", "?text=1:dog&where=size>=0"):
        page.goto(address)
        page.locator(CARD).first.wait_for()
        page.get_by_role("button", name="Type", exact=True).wait_for()
        check_accessibility(page)
