"""The bar: every way to make a term, what can be changed about it, and how the address keeps it."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from omnisearch.query.expressions import ItemRef, Then
from omnisearch.search.suggestions import Suggestion, Suggestions
from tests.api.conftest import HOSTILE_NAME, IDS, ScriptedEngine, picture, tone
from tests.page.conftest import BROWSER, CHIP, answered, pick, search, wait_for

pytestmark = BROWSER
ITEM = {"id": IDS["au"], "label": "bark.wav", "modality": "audio"}


def field(page: Any, box: int = 0) -> Any:
    return page.get_by_role("combobox", name="Add words").nth(box)


def given(name: str = "a.png", content: bytes = b"") -> dict[str, Any]:
    kind = "audio/wav" if name.endswith("wav") else "image/png"
    return {"name": name, "mimeType": kind, "buffer": content or picture()}


def edit(page: Any, chip: int = 0) -> Any:
    page.locator(f"{CHIP} .body").nth(chip).click()
    return page.get_by_role("dialog")


def shown(engine: ScriptedEngine) -> list[tuple[str, float]]:
    return [(str(term), term.weight) for term in engine.queries[-1].terms]


def dispatch(page: Any, event: str, files: Sequence[dict[str, Any]] = (), item: dict[str, str] | None = None) -> None:
    """Let the page see a drop or a paste, as a browser makes it of files or of a dragged result."""
    sent = [{"name": f["name"], "type": f["mimeType"], "bytes": list(f["buffer"])} for f in files]
    page.evaluate(
        """([event, files, item]) => {
            const data = new DataTransfer();
            for (const { name, type, bytes } of files) {
                data.items.add(new File([new Uint8Array(bytes)], name, { type }));
            }
            if (item) data.setData("application/x-omnisearch-item", item);
            const options = { bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data };
            const Kind = event === "paste" ? ClipboardEvent : DragEvent;
            document.body.dispatchEvent(new Kind(event, options));
        }""",
        [event, sent, json.dumps(item) if item else ""],
    )


def test_typed_words_are_searched_after_a_pause_without_a_step_back(page: Any, engine: ScriptedEngine) -> None:
    with answered(page):
        field(page).press_sequentially("dog")
    assert shown(engine) == [("dog", 1.0)]
    assert "text=1%3Adog" in page.url
    assert page.locator(CHIP).count() == 0
    field(page).press("Enter")
    wait_for(page, CHIP, 1)
    with answered(page):
        field(page).press_sequentially("- fruit")
        field(page).press("Enter")
    assert shown(engine) == [("dog", 1.0), ("fruit", -0.5)]
    page.go_back()
    wait_for(page, CHIP, 1)
    page.go_back()
    wait_for(page, CHIP, 0)
    assert "?" not in page.url


def test_more_files_than_a_query_holds_are_not_sent(page: Any, engine: ScriptedEngine) -> None:
    dispatch(page, "drop", [given(f"{n}.png", picture((n, 2, 3))) for n in range(20)])
    page.get_by_text("A query holds at most 16 terms.").wait_for()
    page.get_by_text("15.png", exact=True).wait_for()
    assert page.get_by_text("16.png", exact=True).count() == 0


def test_files_are_picked_dropped_and_pasted(page: Any, engine: ScriptedEngine) -> None:
    held: list[Any] = []
    page.route("**/v1/uploads", lambda route: route.continue_() if held else held.append(route))
    with page.expect_response("**/v1/uploads"):
        page.locator("input[type=file]").first.set_input_files([given("a.png"), given("b.wav", tone())])
    with answered(page):
        held[0].continue_()  # the file that was sent first arrives last, and keeps its place
    wait_for(page, CHIP, 2)
    dispatch(page, "dragenter", [given("c.png")])
    page.get_by_text("Drop it to search with it").wait_for()
    with answered(page):
        dispatch(page, "drop", [given("c.png", picture((1, 2, 3)))])
    wait_for(page, CHIP, 3)
    assert page.get_by_text("Drop it to search with it").count() == 0
    with answered(page):
        dispatch(page, "paste", [given("d.png", picture((4, 5, 6)))])
    wait_for(page, CHIP, 4)
    assert [name for name, _ in shown(engine)] == ["a.png", "b.wav", "c.png", "d.png"]
    assert engine.contents[-4:] == [picture(), tone(), picture((1, 2, 3)), picture((4, 5, 6))]


def test_a_dragged_result_is_a_term(page: Any, engine: ScriptedEngine) -> None:
    with answered(page):
        dispatch(page, "drop", item=ITEM)
    assert engine.queries[-1].terms[0].source == ItemRef(IDS["au"])
    page.locator(CHIP, has_text="bark.wav").wait_for()


def test_a_result_is_dragged_into_the_bar(page: Any, engine: ScriptedEngine) -> None:
    search(page, "dog")
    with answered(page):
        page.locator("main [draggable=true]").first.drag_to(page.get_by_role("search"))
    assert len(engine.queries[-1].terms) == 2
    assert isinstance(engine.queries[-1].terms[1].source, ItemRef)


def test_the_microphone_is_recorded(page: Any, engine: ScriptedEngine) -> None:
    page.context.grant_permissions(["microphone"])
    page.get_by_label("Record a sound").click()
    page.get_by_text("Recording. Hum").wait_for()
    page.wait_for_timeout(500)
    with answered(page):
        page.get_by_text("Stop and search").click()
    assert engine.contents[-1][:4] == b"RIFF"
    assert any(engine.contents[-1][44:]), "the recording is silent"
    page.locator(CHIP, has_text="recording").wait_for()


@pytest.mark.parametrize(
    ("tool", "said"), [("Record a sound", "use the microphone"), ("Take a picture", "use the camera")]
)
def test_a_refused_device_is_told(page: Any, tool: str, said: str) -> None:
    page.get_by_label(tool).click()
    page.get_by_role("alert").get_by_text(f"does not let this page {said}").wait_for()
    assert page.get_by_role("dialog").count() == 0


def test_the_camera_takes_a_picture(page: Any, engine: ScriptedEngine) -> None:
    page.context.grant_permissions(["camera"])
    page.get_by_label("Take a picture").click()
    with answered(page):
        page.get_by_role("button", name="Take the picture").click()
    assert engine.contents[-1][:3] == b"\xff\xd8\xff"


def test_sign_and_weight_are_changed(page: Any, engine: ScriptedEngine) -> None:
    search(page, "dog")
    with answered(page):
        page.locator(f"{CHIP} .sign").click()
    assert shown(engine) == [("dog", -1.0)]
    panel = edit(page)
    with answered(page):
        panel.get_by_role("slider", name="Weight").fill("0.4")
    with answered(page):
        panel.get_by_text("more like this").click()
    with answered(page):
        panel.get_by_role("spinbutton", name="Weight").last.fill("1.7")
        page.keyboard.press("Tab")
    assert shown(engine) == [("dog", 1.7)]
    page.keyboard.press("Escape")
    wait_for(page, "[role=dialog]", 0)
    page.locator(CHIP, has_text="\u00d71.7").wait_for()


def test_a_picture_is_cropped_by_pointer_and_keyboard(page: Any, engine: ScriptedEngine) -> None:
    pick(page, given())
    panel = edit(page)
    stage = panel.locator(".stage img")
    stage.wait_for()
    at = stage.bounding_box()
    page.mouse.move(at["x"] + at["width"] / 4, at["y"] + at["height"] / 4)
    page.mouse.down()
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] * 3 / 4, steps=3)
    with answered(page):
        page.mouse.up()
    region = engine.queries[-1].terms[0].slice
    assert region.relative
    assert (region.x, region.y, region.width, region.height) == pytest.approx((0.25, 0.25, 0.25, 0.5), abs=0.03)
    with answered(page):
        panel.get_by_label("Lower right corner").press("Shift+ArrowRight")
    wider = engine.queries[-1].terms[0].slice
    assert (wider.x, wider.width) == pytest.approx((region.x, region.width + 0.1), abs=0.001)
    with answered(page):
        panel.get_by_role("button", name="Whole picture").click()
    assert engine.queries[-1].terms[0].slice is None


def test_a_sound_is_trimmed(page: Any, engine: ScriptedEngine) -> None:
    pick(page, given("b.wav", tone()))
    panel = edit(page)
    panel.locator(".chosen").wait_for()  # the waveform, which lasts 1.5 seconds
    wave = panel.locator("canvas").bounding_box()
    page.mouse.move(wave["x"] + wave["width"] / 3, wave["y"] + 9)
    page.mouse.down()
    page.mouse.move(wave["x"] + wave["width"] * 2 / 3, wave["y"] + 9, steps=3)
    with answered(page):
        page.mouse.up()
    part = engine.queries[-1].terms[0].slice
    assert (part.start, part.end) == pytest.approx((0.5, 1.0), abs=0.02)
    with answered(page):
        panel.get_by_label("From").fill("0.25")
        page.keyboard.press("Tab")
    assert engine.queries[-1].terms[0].slice.start == 0.25


def test_two_boxes_are_joined(page: Any, engine: ScriptedEngine) -> None:
    search(page, "thunder")
    page.get_by_role("button", name="then…").click()
    field(page, 1).fill("rain")
    with answered(page):
        field(page, 1).press("Enter")
    assert isinstance(engine.queries[-1].expression, Then)
    with answered(page):
        field(page, 0).fill("storm")
        field(page, 0).press("Enter")
    assert [name for name, _ in shown(engine)] == ["thunder", "storm", "rain"]
    with answered(page):
        page.get_by_label("How the two parts belong together").select_option("but not")
    assert "NOT" in str(engine.queries[-1].expression).upper()
    with answered(page):
        page.get_by_role("button", name="Remove the second part").click()
    assert [name for name, _ in shown(engine)] == ["thunder", "storm"]


def test_the_keyboard_is_enough(page: Any, engine: ScriptedEngine) -> None:
    page.keyboard.press("/")
    for words in ("dog", "cat"):
        page.keyboard.type(words)
        page.keyboard.press("Enter")
    wait_for(page, CHIP, 2)
    page.keyboard.press("Backspace")
    with answered(page):
        page.keyboard.press("Alt+ArrowUp")
    assert shown(engine)[-1] == ("cat", 1.1)
    page.keyboard.press("ArrowLeft")
    with answered(page):
        page.keyboard.press("-")
    assert shown(engine)[0] == ("dog", -1.0)
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Change dog").wait_for()
    page.keyboard.press("Escape")
    with answered(page):
        page.keyboard.press("Delete")
    assert shown(engine) == [("cat", 1.1)]
    page.keyboard.press("ArrowRight")
    page.keyboard.type("cow")
    with answered(page):
        page.keyboard.press("Enter")
    assert [name for name, _ in shown(engine)] == ["cat", "cow"]


def test_a_reload_restores_the_whole_query(page: Any, engine: ScriptedEngine) -> None:
    search(page, "dog")
    pick(page, given("b.wav", tone()))
    with answered(page):
        dispatch(page, "drop", item=ITEM)
    asked = engine.queries[-1]
    with answered(page):
        page.reload()
    again = engine.queries[-1]
    assert [term.weight for term in again.terms] == [term.weight for term in asked.terms]
    assert [str(term) for term in again.terms] == [str(term) for term in asked.terms]
    for label in ("dog", "b.wav", "bark.wav"):
        page.locator(f"{CHIP} bdi").get_by_text(label, exact=True).wait_for()
    wait_for(page, f"{CHIP} img", 2)


def test_an_expired_upload_says_so_and_is_sent_again(page: Any, url: str, engine: ScriptedEngine) -> None:
    gone = "0" * 32
    page.goto(f"{url}?upload=1:{gone}")
    page.locator(CHIP, has_text="gone").wait_for()
    panel = edit(page)
    panel.get_by_text("has expired").wait_for()
    with answered(page):
        panel.locator("input[type=file]").set_input_files(given())
    assert [name for name, _ in shown(engine)] == ["a.png"]
    wait_for(page, CHIP, 1)


def test_hostile_names_are_words(page: Any) -> None:
    pick(page, given(f"{HOSTILE_NAME}.png"))
    label = page.locator(f"{CHIP} bdi").first
    label.wait_for()
    assert "<img src=x onerror=alert(1)>" in label.text_content()
    with answered(page):
        dispatch(page, "drop", item={"id": IDS["ht"], "label": "<script>alert(3)</script>", "modality": "text"})
    page.locator(f"{CHIP} bdi").nth(1).get_by_text(HOSTILE_NAME).wait_for()
    assert page.locator("form script, form img[src=x]").count() == 0


def test_files_that_are_not_taken_are_told(page: Any) -> None:
    def status(route: Any) -> None:
        answer = route.fetch()
        found = answer.json()
        found["limits"]["body"] = 1000
        route.fulfill(response=answer, json=found)

    page.watch.expect("status of 422")
    page.route("**/v1/status", status)
    with page.expect_response("**/v1/status"):
        page.reload()
    picker = page.locator("input[type=file]").first
    picker.set_input_files(given("big.wav", tone(1.0)))
    page.get_by_role("alert").get_by_text("big.wav was not added: it has").wait_for()
    picker.set_input_files({"name": "odd.xyz", "mimeType": "", "buffer": b"\0\1\2\3"})
    page.get_by_role("alert").get_by_text("odd.xyz was not added.").wait_for()
    assert page.locator(CHIP).count() == 0
    page.get_by_role("alert").get_by_label("Close").first.click()
    page.route("**/v1/uploads", lambda route: route.abort())
    page.watch.expect("ERR_FAILED")
    picker.set_input_files(given("a.png"))
    page.get_by_role("alert").get_by_text("The server cannot be reached").wait_for()
    page.unroute("**/v1/uploads")
    with answered(page):
        page.get_by_role("alert").locator("p", has_text="a.png").get_by_text("Try again").click()
    wait_for(page, CHIP, 1)


def test_suggestions_add_words_and_conditions(
    page: Any, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Suggestions((Suggestion("dog.png", "name", 1), Suggestion("Dogtown", "place", 3)), exact=True)
    monkeypatch.setattr(engine, "suggest", lambda typed, limit: found)
    field(page).press_sequentially("dog")
    options = page.locator("form [role=option]")
    options.nth(1).wait_for()
    with answered(page):
        page.keyboard.press("ArrowDown")
        assert field(page).get_attribute("aria-activedescendant") == options.first.get_attribute("id")
        page.keyboard.press("Enter")
    assert shown(engine) == [("dog.png", 1.0)]
    with answered(page):
        field(page).press_sequentially("dog")  # the pause for thought is searched, too
    with answered(page):
        page.locator("form [role=option]", has_text="Dogtown").click()
    assert [condition.written for condition in engine.queries[-1].where] == ["place:Dogtown"]
    with answered(page):
        field(page).fill("taken:2023")
        field(page).press("Enter")
    assert [condition.written for condition in engine.queries[-1].where] == ["place:Dogtown", "taken:2023"]
    assert shown(engine) == [("dog.png", 1.0)]
    with answered(page):
        page.get_by_role("button", name="Remove Taken: 2023").click()
    assert len(engine.queries[-1].where) == 1


def test_past_queries_are_offered_until_they_are_forgotten(page: Any) -> None:
    search(page, "a dog at sea")
    page.goto("./")
    field(page).click()
    page.get_by_role("option", name="a dog at sea").wait_for()
    page.get_by_text("Forget past queries").click()
    wait_for(page, "[role=option]", 0)
    page.reload()
    field(page).click()
    wait_for(page, "[role=option]", 0)


def test_a_file_of_a_chip_is_held_as_long_as_the_chip(page: Any) -> None:
    page.add_init_script("""
        window.held = new Set();
        const { createObjectURL, revokeObjectURL } = URL;
        URL.createObjectURL = (file) => { const address = createObjectURL(file); held.add(address); return address; };
        URL.revokeObjectURL = (address) => { held.delete(address); revokeObjectURL(address); };
    """)
    page.reload()
    pick(page, given())
    wait_for(page, f"{CHIP} img", 1)
    assert page.evaluate("[...held]") == [page.locator(f"{CHIP} img").get_attribute("src")]
    page.locator(f"{CHIP} .remove").click()
    wait_for(page, CHIP, 0)
    assert page.evaluate("[...held]") == []
    page.go_back()  # the file is remembered, and has a picture again
    wait_for(page, f"{CHIP} img", 1)
    assert page.evaluate("held.size") == 1


def test_the_limits_of_a_query_are_told(page: Any, engine: ScriptedEngine) -> None:
    def status(route: Any) -> None:
        answer = route.fetch()
        found = answer.json()
        found["limits"] |= {"terms": 1, "text": 7}
        route.fulfill(response=answer, json=found)

    page.route("**/v1/status", status)
    with page.expect_response("**/v1/status"):
        page.reload()
    page.locator("input[maxlength='7']").wait_for()
    search(page, "dog")
    field(page).fill("cat")
    field(page).press("Enter")
    page.get_by_role("alert").get_by_text("at most 1 terms").wait_for()
    assert page.locator(CHIP).count() == 1
    assert shown(engine) == [("dog", 1.0)]


def test_the_keys_are_explained(page: Any) -> None:
    page.get_by_label("Keys of the search bar").click()
    page.get_by_role("dialog").get_by_text("more or less weight").wait_for()
    page.keyboard.press("Escape")
    wait_for(page, "[role=dialog]", 0)
