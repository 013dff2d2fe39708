"""The pages of docs/ say what the code says, and lead where they say."""

import functools
import importlib.util
import pathlib
import re

import pytest

import sim

ROOT = pathlib.Path(__file__).parent.parent
DOCS = ROOT / "docs"
#: what the site shows; what it is built into lies in the same folder
SITE_PAGES = sorted(
    path
    for kind in ("*.md", "*.rst")
    for path in DOCS.rglob(kind)
    if "_build" not in path.relative_to(DOCS).parts
)
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "notebooks/README.md")),
    *(path for path in SITE_PAGES if path.suffix == ".md"),
]
SOURCES = sorted(pathlib.Path(sim.__file__).parent.rglob("*.py"))
HEADINGS = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def load_refresh(path=DOCS / "refresh.py"):
    """Return the script that writes the pages, as a module."""
    spec = importlib.util.spec_from_file_location("refresh", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


refresh = load_refresh()


def text_of(page):
    return page.read_text(encoding="utf-8")


def without_blocks(text):
    """Return a page without its fenced blocks and comments."""
    return re.sub(r"^```.*?^```$|<!--.*?-->", "", text, flags=re.MULTILINE | re.DOTALL)


@functools.cache
def anchors_of(page):
    """Return the anchors of a page; those of equal headings are counted."""
    found = []
    for heading in HEADINGS.findall(without_blocks(text_of(page))):
        slug = refresh.slug(heading)
        found.append(slug if slug not in found else f"{slug}-{sum(s == slug for s in found)}")
    return found


@pytest.mark.parametrize("name", refresh.PAGES)
def test_a_generated_page_is_not_stale(name):
    assert text_of(DOCS / name) == refresh.PAGES[name](), "run python docs/refresh.py"


def test_the_table_of_deliberate_errors_is_not_stale():
    assert text_of(DOCS / "verification.md").endswith(refresh.errors_found())


@pytest.mark.slow
def test_the_page_on_kleppers_rival_is_not_stale():
    assert text_of(DOCS / "klepper.md") == refresh.klepper_page(), "run python docs/refresh.py klepper.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page):
    text = without_blocks(text_of(page))
    targets = re.findall(r"\]\(<?([^)\s>]+)", text) + re.findall(r"^\[[^\]]+\]: (\S+)", text, re.MULTILINE)
    for target in targets + re.findall(r"(?:href|src)=\"([^\"]+)\"", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path) if path else page
        assert other.exists(), target
        if anchor:
            assert anchor in anchors_of(other), target


def test_the_readme_leads_to_every_page():
    linked = {
        (page.parent / path.partition("#")[0]).resolve()
        for page in (ROOT / "README.md", DOCS / "decisions" / "README.md")
        for path in re.findall(r"\]\(([^)\s:]+)\)", text_of(page))
    }
    pages = {page for page in SITE_PAGES if "decisions" not in page.parts}
    assert not {str(page.relative_to(ROOT)) for page in pages if page.resolve() not in linked}
    assert (DOCS / "decisions" / "README.md").resolve() in linked


def test_the_readme_begins_with_the_two_set_up_commands():
    commands = [line for line in map(str.strip, text_of(ROOT / "README.md").splitlines()) if "pip" in line]
    assert commands[:2] == [
        "pip install uv && python -m uv run sim compare",
        "pip install uv && python -m uv run pytest",
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_names_a_machine_or_a_package_index(page):
    found = re.findall(
        r"(?:^|[\s(`\"'])(?:/(?:home|root|tmp|work|Users|mnt|opt)\b|~/|[A-Z]:\\)|pypi|pythonhosted|index-url",
        text_of(page),
        re.MULTILINE,
    )
    assert not found


def test_every_source_of_a_parameter_stands_in_sources():
    text = text_of(DOCS / "sources.md")
    for source, names in refresh.cited().items():
        assert source in text, names
        if not source.startswith("assumed"):
            assert refresh.entries_for(source, text), f"sources.md has no entry for {source!r} ({names[0]})"


def test_every_publication_that_the_code_cites_stands_in_sources():
    text = text_of(DOCS / "sources.md")
    for path in SOURCES:
        for identifier in re.findall(r"(?:doi:|arXiv:)([^\s,;)]+)", text_of(path)):
            assert identifier.rstrip(".") in text, f"{path.name}: {identifier}"


def test_every_source_says_how_far_to_trust_it():
    text = text_of(DOCS / "sources.md")
    facts = text[text.index("## Facts on Haidian") : text.index("## Methods")]
    for entry in re.split(r"^### ", facts, flags=re.MULTILINE)[1:]:
        standing = re.findall(r"\*([^*]+)\*", " ".join(entry.lower().split()))
        known = ("seen", "as reported", "commonly cited, not verified", "assumed")
        assert any(said.rstrip(".").startswith(known) for said in standing), entry.split("\n")[0]


def test_every_zone_and_node_stands_in_scenarios():
    from sim.places import read_world

    text = text_of(DOCS / "scenarios.md")
    world = read_world("haidian")
    for place in (*world.zones, *world.nodes):
        assert f"| `{place.id}` | {place.name} | {place.name_zh} |" in text
