"""Modules are found in the order in which they need one another, and bundled as they are."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping

import pytest

from api.web import modules, offline, static_files
from api.web.languages import languages
from api.web.modules import bundled, needed

KEY = "log.example/testamur+cf43cffa+ARuGc+U1hKKCdJjeQ6y/iNVxeISsZKQzu5cptrwIQEu3"


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The texts of modules, which a test makes."""
    texts = dict[str, str]()
    monkeypatch.setattr(modules, "_text", lambda name: texts[name])
    return texts


def test_a_module_follows_all_that_it_needs() -> None:
    for name in static_files.files():
        if not name.endswith(".mjs"):
            continue
        order = needed(name)
        assert order[-1] == name
        for at, each in enumerate(order):
            assert set(modules._imported(each)) <= set(order[:at])


def test_what_modules_export_under_any_form_is_bundled(files: dict[str, str]) -> None:
    files |= {
        "a/one.mjs": "export const x = 1;\nexport function f() { return x; }\nexport class C {}\n",
        "b/two.mjs": 'export { x, f as g } from "../a/one.mjs";\nexport async function h() {}\n',
        "b/all.mjs": (
            'import * as one from "../a/one.mjs";\nimport {\n  g,\n  x as y,\n} from "./two.mjs";\n'
            "export const sum = one.x + y + g();\n"
        ),
    }
    script = bundled("b/all.mjs")
    assert re.findall(r'^modules\["(.+?)"\] =', script, re.MULTILINE) == [
        "a/one.mjs",
        "b/two.mjs",
        "b/all.mjs",
    ]
    assert 'const one = modules["a/one.mjs"];' in script
    assert "x: y," in script
    assert 'return { x: modules["a/one.mjs"].x, g: modules["a/one.mjs"].f, h: h };' in script
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)


@pytest.mark.parametrize(
    "text",
    [
        'import one from "./one.mjs";',
        'import { x } from "./one.mjs"',
        'import { x } from "./one.mjs"; import { y } from "./one.mjs";',
        "export default 1;",
        "export { x };",
        "export let x = 1;",
        "export const { x } = y;",
        'const y = await import("./one.mjs");',
        "const here = import.meta.url;",
        'export * from "./one.mjs";',
    ],
)
def test_a_form_that_is_not_understood_is_refused(files: dict[str, str], text: str) -> None:
    files |= {"one.mjs": "export const x = 1;\n", "all.mjs": f"{text}\n"}
    with pytest.raises(ValueError, match="not understood"):
        bundled("all.mjs")


def test_a_circle_is_refused(files: dict[str, str]) -> None:
    files |= {"a.mjs": 'import { b } from "./b.mjs";\n', "b.mjs": 'import { a } from "./a.mjs";\n'}
    with pytest.raises(ValueError, match=r"a\.mjs -> b\.mjs -> a\.mjs"):
        needed("a.mjs")


@pytest.mark.parametrize("text", ['const x = "</script>";', 'const x = "</SCRIPT";', "x <!--y;"])
def test_what_would_end_the_script_of_a_page_is_refused(files: dict[str, str], text: str) -> None:
    files["a.mjs"] = text
    with pytest.raises(ValueError, match="cannot hold what ends it"):
        bundled("a.mjs")


# --- verify.html ---


def test_the_one_file_is_the_same_each_time_and_carries_the_keys_alone() -> None:
    page = offline.offline_page(KEY)
    offline.offline_page.cache_clear()
    assert offline.offline_page(KEY) == page
    assert page.decode().count(KEY) == 1
    assert KEY.encode() not in offline.offline_page("")
    assert offline.digest(KEY) != offline.digest("")


def test_the_policy_of_the_one_file_names_its_script_and_style_and_nothing_else() -> None:
    page = offline.offline_page(KEY).decode()
    (script,) = re.findall(r'<script type="module">(.*?)</script>', page, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy == offline.policy(script, style)
    for word in ("connect-src", "unsafe", "'self'", "http", "blob"):
        assert word not in policy
    assert page.index("Content-Security-Policy") < page.index("<style>")
    rest = page.replace(script, "")
    for attribute in ("src=", "url(", "@import"):
        assert attribute not in rest
    # It leads to itself alone, in another language.
    assert set(re.findall(r'href="([^"]*)"', rest)) == {f"?lang={each}" for each in languages()}


def test_a_hostile_key_does_not_leave_its_place() -> None:
    page = offline.offline_page("</script><script>alert(1)</script>").decode()
    assert "<script>alert" not in page


def test_every_language_has_a_name() -> None:
    found: Mapping[str, str] = languages()
    assert next(iter(found)) == "en"
    assert all(found.values())


# --- What a browser gets ---


@pytest.mark.parametrize("entry", ["page/verify.mjs", "page/holder.mjs", "page/front.mjs"])
def test_what_a_page_loads_is_less_than_a_picture(entry: str) -> None:
    """As a proxy sends it: each file compressed by itself."""
    names = [*needed(entry), *offline.SHEETS, "icon.svg"]
    sent = sum(len(gzip.compress(static_files.files()[each].body, 6)) for each in names)
    assert sent < 145_000  # of 150,000, which leaves room for the page itself
