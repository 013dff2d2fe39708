"""Makes an SVG of Matplotlib fit for a strict page: no style attributes, own ids, short numbers, a title.

A content security policy without ``unsafe-inline`` blocks ``style`` attributes and ``<style>`` blocks, and
shapes then turn black; ids of two figures on one page would collide.
"""

import re
import xml.etree.ElementTree as ET

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
NAMESPACES = {
    "": SVG,
    "xlink": XLINK,
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "cc": "http://creativecommons.org/ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
}
#: fonts of the reader's system, Latin before Chinese
FONTS = (
    "-apple-system, 'Segoe UI', Arial, 'Liberation Sans', 'PingFang SC', 'Hiragino Sans GB', "
    "'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"
)
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_FONT = re.compile(
    r"(?:(?:normal|italic|oblique)\s+)?(?:(?P<weight>\d+|bold|normal)\s+)?(?P<size>[\d.]+)px\s+(?P<family>.+)"
)
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_LENGTHS = {"d", "points", "x", "y", "x1", "y1", "x2", "y2", "width", "height", "r", "cx", "cy", "viewBox"}


def clean_svg(text: str, prefix: str, title: str, description: str, lang: str = "en") -> str:
    """Return the SVG that Matplotlib wrote, made fit for a strict page.

    Parameters
    ----------
    text
        What Matplotlib wrote.
    prefix
        What every id begins with.
    title, description
        What a screen reader says of the figure.
    lang
        Language of the texts.
    """
    for name, uri in NAMESPACES.items():
        ET.register_namespace(name, uri)
    root = ET.fromstring(text)
    _drop_style_blocks(root)
    for element in root.iter():
        _style_to_attributes(element)
        _prefix_ids(element, prefix)
        _round_numbers(element)
    _introduce(root, prefix, title, description, lang)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _drop_style_blocks(root: ET.Element) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f"{{{SVG}}}style":
                parent.remove(child)
    root.set("stroke-linejoin", "round")  # what the block said
    root.set("stroke-linecap", "butt")


def _style_to_attributes(element: ET.Element) -> None:
    for rule in element.attrib.pop("style", "").split(";"):
        name, _, value = (part.strip() for part in rule.partition(":"))
        if name == "font":
            match = _FONT.fullmatch(value)
            if match is None:
                raise ValueError(f"font {value!r} is not understood")
            element.set("font-size", match["size"])
            if match["weight"] not in (None, "400", "normal"):
                element.set("font-weight", match["weight"])
        elif name and name != "font-family":
            element.set(name, value.removesuffix("px") if name == "font-size" else value)
    if element.get("fill", "").startswith("url("):
        return
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]


def _prefix_ids(element: ET.Element, prefix: str) -> None:
    for name, value in element.attrib.items():
        if name == "id":
            element.set(name, f"{prefix}-{value}")
        elif name in (f"{{{XLINK}}}href", "href") and value.startswith("#"):
            element.set(name, f"#{prefix}-{value[1:]}")
        elif "url(#" in value:
            element.set(name, _REFERENCE.sub(rf"url(#{prefix}-\1)", value))


def _round_numbers(element: ET.Element) -> None:
    for name, value in element.attrib.items():
        if name in _LENGTHS or (name == "transform" and "scale" not in value):
            short = _NUMBER.sub(lambda match: _short(match[0]), value)
            element.set(name, " ".join(short.split()))


def _short(number: str) -> str:
    text = f"{float(number):.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _introduce(root: ET.Element, prefix: str, title: str, description: str, lang: str) -> None:
    for name in ("width", "height"):
        root.set(name, root.attrib[name].removesuffix("pt"))
    root.set("font-family", FONTS)
    root.set("role", "img")
    root.set("lang", "zh-Hans" if lang == "zh" else "en")
    root.set("aria-labelledby", f"{prefix}-title {prefix}-desc")
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(f"{{{SVG}}}{tag}", {"id": f"{prefix}-{tag}"})
        element.text = text
        root.insert(place, element)
