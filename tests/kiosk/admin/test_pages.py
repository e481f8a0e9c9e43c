"""Every page of the admin in a real browser, in both languages: no violation of WCAG, no complaint, no foreign request."""

from __future__ import annotations

import pytest

from tests.browser import needs_chromium, opened, violations

pytestmark = needs_chromium

# Whose page, and where. FIRST is the first row of the list before it.
PAGES = {
    "front page": ("chen", "/admin/?span=week"),
    "front page without figures": ("zhao", "/admin/"),
    "status": ("zhao", "/admin/status/"),
    "visits": ("lin", "/admin/flows/dialoguesession/"),
    "visits that wait": ("lin", "/admin/flows/dialoguesession/?review_state__exact=pending"),
    "review": ("lin", "/admin/flows/dialoguesession/FIRST/change/"),
    "masked visit": ("sun", "/admin/flows/dialoguesession/FIRST/change/"),
    "citizens": ("lin", "/admin/flows/citizen/"),
    "masked citizens": ("chen", "/admin/flows/citizen/"),
    "citizen": ("lin", "/admin/flows/citizen/FIRST/change/"),
    "deleting a citizen": ("chen", "/admin/flows/citizen/FIRST/delete/"),
    "export of citizens": ("chen", "/admin/flows/citizen/export/"),
    "services": ("chen", "/admin/flows/serviceitem/?department__exact=残疾人联合会"),
    "service": ("chen", "/admin/flows/serviceitem/FIRST/change/"),
    "new service": ("chen", "/admin/flows/serviceitem/add/"),
    "import of services": ("chen", "/admin/flows/serviceitem/import/"),
    "persons": ("chen", "/admin/faces/person/"),
    "person": ("chen", "/admin/faces/person/FIRST/change/"),
    "new person": ("chen", "/admin/faces/person/add/"),
    "import of persons": ("chen", "/admin/faces/person/import/"),
    "who is this?": ("chen", "/admin/faces/person/identify/"),
    "samples": ("chen", "/admin/faces/facesample/"),
    "devices": ("zhao", "/admin/analytics/mediadevice/"),
    "device": ("zhao", "/admin/analytics/mediadevice/FIRST/change/"),
    "events": ("chen", "/admin/analytics/recognitionevent/"),
    "videos": ("chen", "/admin/analytics/video/"),
    "event": ("chen", "/admin/analytics/recognitionevent/FIRST/change/"),
    "live wall": ("chen", "/admin/analytics/recognitionevent/wall/"),
    "video": ("chen", "/admin/analytics/video/FIRST/change/"),
    "new video": ("chen", "/admin/analytics/video/add/"),
    "faces in videos": ("chen", "/admin/analytics/facesighting/"),
    "plates in videos": ("chen", "/admin/analytics/platesighting/"),
    "search in videos": ("chen", "/admin/analytics/search/"),
    "webhooks": ("zhao", "/admin/analytics/webhook/"),
    "new webhook": ("zhao", "/admin/analytics/webhook/add/"),
    "deliveries": ("zhao", "/admin/analytics/webhookdelivery/"),
    "tokens": ("zhao", "/admin/kiosk/apitoken/"),
    "new token": ("zhao", "/admin/kiosk/apitoken/add/"),
    "audit log": ("sun", "/admin/auditlog/logentry/"),
    "entry of the audit log": ("sun", "/admin/auditlog/logentry/FIRST/change/"),
    "users": ("sun", "/admin/auth/user/"),
    "groups": ("sun", "/admin/auth/group/"),
    "group": ("sun", "/admin/auth/group/FIRST/change/"),
    "password": ("lin", "/admin/password_change/"),
}


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_page(signed_in, name: str, language: str):
    username, path = PAGES[name]
    with signed_in(username, language=language) as page:
        if "FIRST" in path:
            before = path.partition("FIRST")[0]
            page.goto(before)
            path = path.replace("FIRST", page.locator("input.action-select, a[href*='/change/']").first.evaluate(_NUMBER))
            page.watch.trouble.clear()
        answer = page.goto(path)
        assert answer.status == 200
        assert page.locator("html").get_attribute("lang") == {"zh-CN": "zh-hans"}.get(language, language)
        assert violations(page) == []
        assert page.watch.trouble == []


_NUMBER = "element => element.value || element.getAttribute('href').match(/(\\d+)\\/change/)[1]"


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_signing_in(hall_server, hall_browser, language: str):
    with opened(hall_browser, language=language) as page:
        page.goto(f"{hall_server.url}/admin/login/")
        assert violations(page) == []
        assert page.watch.trouble == []


@pytest.mark.parametrize("name", ["front page", "review", "status"])
def test_dark_and_narrow(signed_in, name: str):
    username, path = PAGES[name]
    with signed_in(username, color_scheme="dark", width=390, height=844) as page:
        page.goto("/admin/flows/dialoguesession/?review_state__exact=pending") if "FIRST" in path else None
        page.goto(path.replace("FIRST", page.locator("input.action-select").first.input_value()) if "FIRST" in path else path)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


class TestFrontPage:
    def test_charts_are_drawn_and_lead_to_records(self, signed_in):
        with signed_in("chen") as page:
            page.goto("/admin/?span=week")
            canvases = page.locator("canvas[data-drawn]")
            assert [canvases.nth(number).get_attribute("data-drawn") for number in range(canvases.count())] == ["3", "2", "2"]
            pixels = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
            assert canvases.first.evaluate(pixels)
            box = canvases.first.bounding_box()
            page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.wait_for_url("**/admin/flows/dialoguesession/?created_at__gte=*")
            assert page.watch.trouble == []

    def test_table_beside_the_picture(self, signed_in):
        with signed_in("chen") as page:
            page.goto("/admin/?span=week")
            page.locator("summary").first.click()
            assert page.locator(".front-table").first.is_visible()
            assert page.locator(".front-table").first.locator("tbody tr").count() == 7

    def test_drawn_again_in_the_dark(self, signed_in):
        with signed_in("chen") as page:
            page.goto("/admin/?span=week")
            before = page.locator("canvas").first.evaluate("canvas => canvas.toDataURL()")
            page.evaluate("document.documentElement.classList.add('dark')")
            page.wait_for_function("before => document.querySelector('canvas').toDataURL() !== before", arg=before)
            assert page.watch.trouble == []


def test_language_is_switched_on_the_page(signed_in):
    with signed_in("lin") as page:
        page.goto("/admin/")
        page.locator("form[action*='setlang'] [name=language]").first.wait_for(state="attached")
        assert page.title().strip().startswith("概览")
        page.evaluate(
            """() => { const form = document.querySelector("form[action*='setlang']");
            form.querySelector('[name=language]').value = 'en'; form.submit(); }"""
        )
        page.wait_for_function("document.documentElement.lang === 'en'")
        assert page.title().strip().startswith("Overview")
