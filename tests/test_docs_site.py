"""The site of the documentation builds without a warning, is whole, and asks nobody for anything.

It is built by the commands of CONTRIBUTING.md, with other folders for what they write.
"""

import html.parser
import json
import pathlib
import re
import shlex
import subprocess
import sys

import pytest
from test_docs import DOCS, ROOT, SITE_PAGES, text_of
from test_docs_snippets import RUN, SITE

pytestmark = pytest.mark.slow
ENGLISH, CHINESE, TEMPLATES, UPDATE = SITE
CATALOGUES = DOCS / "locale" / "zh" / "LC_MESSAGES"


def run(command, folders):
    """Run a command of the site as a process of its own; what it would write goes into other folders."""
    words = shlex.split(command.removeprefix(RUN).removeprefix("--group docs "))
    module = {"sphinx-build": "sphinx", "sphinx-intl": "sphinx_intl"}[words[0]]
    line = [sys.executable, "-m", module, *(folders.get(word, word) for word in words[1:])]
    done = subprocess.run(line, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, f"{command}\n{done.stderr[-4000:]}"
    return done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folder in which the site stands, in English and in Chinese."""
    folder = tmp_path_factory.mktemp("site")
    places = {"docs/_build": folder, "docs/_build/zh": folder / "zh"}
    for command in (ENGLISH, CHINESE):
        warnings = run(command, {name: str(place) for name, place in places.items()})
        assert "WARNING" not in warnings
    return folder


class Page(html.parser.HTMLParser):
    """What an HTML page holds: anchors, links, what it loads, and how many equations stand alone."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loaded, self.equations = set(), [], [], 0
        self.feed(text_of(path))

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        self.anchors.add(said.get("id"))
        self.equations += said.get("class") == "equation"
        if tag == "a" and "href" in said:
            self.links.append(said["href"])
        loads = said.get("href") if tag == "link" else said.get("src") or said.get("data")
        if loads:
            self.loaded.append(loads)


@pytest.fixture(scope="module")
def pages(built):
    """Return the pages of both languages by path."""
    return {path: Page(path) for path in built.rglob("*.html")}


def test_every_page_of_the_folder_is_on_the_site_and_in_its_tree(built, pages):
    for root in (built, built / "zh"):
        linked = {(root / link.partition("#")[0]).resolve() for link in pages[root / "index.html"].links}
        for page in SITE_PAGES:
            assert (root / page.relative_to(DOCS)).with_suffix(".html") in {*linked, root / "index.html"}


def test_every_link_of_the_site_leads_somewhere(pages):
    for path, page in pages.items():
        for link in page.links:
            target, _, anchor = link.partition("#")
            if "://" in target:
                continue
            other = (path.parent / target).resolve() if target else path
            assert other.exists(), f"{path}: {link}"
            if anchor and other in pages:
                assert anchor in pages[other].anchors, f"{path}: {link}"


def test_no_page_loads_anything_from_elsewhere(built, pages):
    for path, page in pages.items():
        for loaded in page.loaded:
            assert loaded.startswith(("data:", "#")) or (path.parent / loaded.partition("?")[0]).exists(), (
                loaded
            )
    styles = list(built.rglob("*.css"))
    assert styles
    for path in styles:
        for address in re.findall(r"url\(['\"]?([^'\")]+)|@import ['\"]?([^'\"]+)", text_of(path)):
            assert not re.match(r"(?:\w+:)?//", "".join(address)), path


def test_every_equation_is_drawn_without_a_script(built, pages):
    written = text_of(DOCS / "ODD.md").count("\n$$\n") // 2
    assert written > 0
    assert pages[built / "ODD.html"].equations == written
    assert not re.search(r"\\(?:tag|frac|ln|text)\b", text_of(built / "ODD.html"))


def test_the_catalogues_are_whole_and_hold_nothing_else(tmp_path):
    from babel.messages.pofile import read_po

    run(TEMPLATES, {"docs/_build/gettext": str(tmp_path)})
    templates = sorted(tmp_path.glob("*.pot"))
    assert [path.stem for path in templates] == ["evaluation", "index", "report"]
    for path in templates:
        with path.open("rb") as template, (CATALOGUES / f"{path.stem}.po").open("rb") as catalogue:
            texts = {message.id for message in read_po(template) if message.id}
            known = {message.id: message for message in read_po(catalogue) if message.id}
        assert set(known) == texts, f"run {UPDATE}"
        assert not [text for text, message in known.items() if message.fuzzy or not message.string]
        places = {place for message in known.values() for place, _line in message.locations}
        assert places <= {f"../../{path.stem}.md"}  # of this folder, on whatever machine they were made


def test_the_catalogues_are_renewed_by_the_tool(tmp_path):
    (tmp_path / "pot").mkdir()
    (tmp_path / "pot" / "page.pot").write_text(
        'msgid ""\nmsgstr ""\n\nmsgid "Words"\nmsgstr ""\n', encoding="utf-8"
    )
    run(UPDATE, {"docs/_build/gettext": str(tmp_path / "pot"), "docs/locale": str(tmp_path / "locale")})
    assert 'msgid "Words"' in text_of(pathlib.Path(tmp_path, "locale", "zh", "LC_MESSAGES", "page.po"))


def test_translated_pages_lead_to_themselves_in_the_other_language_and_no_others(built, pages):
    translated = {path.stem for path in CATALOGUES.glob("*.po")} - {"sphinx"}
    assert translated
    for root, other in ((built, "zh/{}.html"), (built / "zh", "../{}.html")):
        for page in SITE_PAGES:
            name = str(page.relative_to(DOCS).with_suffix(""))
            linked = other.format(name) in pages[root / f"{name}.html"].links
            assert linked == (name in translated), name


def test_every_picture_opens_at_its_full_size(built):
    """In a column of 46 em the words of a map of 1104 px are smaller than 8 px."""
    for path in built.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for picture in re.findall(r'<img [^>]*src="([^"]*_images/[^"]+)"', text):
            assert f'<a href="{picture}"><img ' in text, (path, picture)


def test_the_map_of_the_chinese_start_page_is_in_chinese(built):
    assert "_images/map.zh.png" in (built / "zh" / "index.html").read_text(encoding="utf-8")
    assert (built / "zh" / "_images" / "map.zh.png").is_file()


@pytest.mark.parametrize("word", ["租金", "遗憾值", "随机种子"])
def test_the_search_of_the_chinese_site_knows_chinese_words(built, word):
    index = (built / "zh" / "searchindex.js").read_text(encoding="utf-8")
    assert json.dumps(word) in index
