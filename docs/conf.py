"""The site of the documentation: the Markdown of this folder, and the docstrings of the package.

python -m uv run --group docs sphinx-build -W docs docs/_build                  in English
python -m uv run --group docs sphinx-build -W -D language=zh docs docs/_build/zh  start, evaluation, report in Chinese

The pages hold no directive, so that they read the same where no Sphinx is: the tree of pages stands here (`TREES`).
Nothing on the site comes from the network: no script but the theme's own, and equations as MathML, which browsers draw.
"""

import html
import pathlib
import re
import tomllib

import math_core

DOCS = pathlib.Path(__file__).parent
PROJECT = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project, version, release = PROJECT["name"], PROJECT["version"], PROJECT["version"]
author = PROJECT["authors"][0]["name"]
project_copyright = author
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
numpydoc_show_class_members = False  # autodoc lists them
python_maximum_signature_line_length = 88

locale_dirs = ["locale"]
gettext_compact = False

html_theme = "furo"
html_title = f"{project} {version}"
html_static_path = ["assets"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_copyright = False

#: captions and pages of the trees that a page gets at its end; new pages of howto/ and decisions/ come by themselves
TREES = {
    "index": {
        "How to": ["howto/*"],
        "The model": ["ODD", "levers", "scenarios", "parameters", "series", "measures"],
        "How far to trust it": [
            "verification", "verification-twin", "validation", "calibration", "sensitivity", "klepper", "data", "sources",
        ],
        "Results": ["evaluation", "report", "scaling"],
        "The code": ["api", "decisions/README"],
    },
    "decisions/README": {"": ["0*"]},
}  # fmt: skip
LATEX = math_core.LatexToMathML()
GAP = re.compile(r"\\q?quad\b")
NUMBER = re.compile(r"\\tag\{([^}]*)\}")
HAN = re.compile(r"[\u4e00-\u9fff]+")
IMAGE = re.compile(r'<img [^>]*?src="([^"]+)"[^>]*>')
LINK = re.compile(r"\[([^\]]+)\]\(([^):\s#]+)(?:#[^)\s]*)?\)")


def visit_math(translator, node):
    """Write a formula in a line as MathML."""
    translator.body.append(LATEX.convert_with_local_state(node.astext(), displaystyle=False))
    raise_skip()


def visit_math_block(translator, node):
    """Write formulas on lines of their own as MathML, with their number at the right; wide gaps may become line breaks."""
    latex = node.astext()
    number = "".join(f'<span class="number">({html.escape(tag)})</span>' for tag in NUMBER.findall(latex))
    parts = (
        LATEX.convert_with_local_state(part, displaystyle=True) for part in GAP.split(NUMBER.sub("", latex))
    )
    translator.body.append(
        f'<div class="equation"><div class="formulas">{"".join(parts)}</div>{number}</div>'
    )
    raise_skip()


def raise_skip():
    """End the visit of a node whose text has been written."""
    from docutils.nodes import SkipNode

    raise SkipNode


def mend_links(docname, text):
    """Return a page in which links to pages that the site has not are downloads, and those to folders text."""
    page = DOCS / docname

    def mended(link):
        shown, target = link.groups()
        found = (page.parent / target).resolve()
        if found.is_dir():
            return shown
        if found.suffix == ".md" and DOCS not in found.parents:
            return f"{{download}}`{shown.strip('`')} <{target}>`"
        return link.group()

    return LINK.sub(mended, text)


def tree(caption, pages, hidden):
    """Return the directive of a tree of pages."""
    options = [":glob:", ":titlesonly:", *[":hidden:"] * hidden, *[f":caption: {caption}"] * bool(caption)]
    return "\n".join(["", "```{toctree}", *options, "", *pages, "```", ""])


def prepare(app, docname, source):
    """Make a page of the folder one of the site."""
    source[0] = mend_links(docname, source[0])
    for caption, pages in TREES.get(docname, {}).items():
        source[0] += tree(caption, pages, hidden=docname == "index")


def link_languages(app, pagename, templatename, context, doctree):
    """Begin a page that is translated with a link to itself in the other language."""
    if not (DOCS / "locale" / "zh" / "LC_MESSAGES" / f"{pagename}.po").is_file() or "body" not in context:
        return
    up = "../" * pagename.count("/")
    folder, lang, name = ("../", "en", "English") if app.config.language == "zh" else ("zh/", "zh", "中文")
    link = f'<a href="{up}{folder}{pagename}.html" lang="{lang}" hreflang="{lang}">{name}</a>'
    context["body"] = f'<p class="languages">{link}</p>{context["body"]}'


def open_images(app, pagename, templatename, context, doctree):
    """Let pictures be opened at their full size: beside the tree of pages their words are small."""
    if "body" in context:
        context["body"] = IMAGE.sub(r'<a href="\1">\g<0></a>', context["body"])


def chinese_search():
    """Return a search of Chinese text without a dictionary: words are two to four characters side by side."""
    from sphinx.search.zh import SearchChinese

    class Runs(SearchChinese):
        def split(self, input):
            runs = HAN.findall(input)
            words = (run[i : i + n] for run in runs for n in (2, 3, 4) for i in range(len(run) - n + 1))
            return [*super().split(input), *words]

    return Runs


def setup(app):
    """Add what Sphinx has no setting for."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    app.add_search_language(chinese_search())
    app.connect("source-read", prepare)
    app.connect("html-page-context", link_languages)
    app.connect("html-page-context", open_images)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
