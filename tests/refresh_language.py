"""Renew the catalogues of sim/locale from the sources: every text is in them, none that is gone.

python tests/refresh_language.py        extract, merge, compile; lists what has no Chinese yet and then ends with 1
"""

import datetime
import io
import pathlib
import sys

import jinja2.ext
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

import sim
from sim import summary
from sim.__main__ import CLICK_COUNTS
from sim.announced import Announced
from sim.city import CityNode, CityZone, Settings
from sim.explain import unit_of
from sim.language import DOMAIN, FOLDER, LANGUAGES, speaking
from sim.levers import LEVERS, Phase
from sim.made_worlds import WORLDS
from sim.paired import METRICS
from sim.parameters import SECTIONS
from sim.scenario import Scenario
from sim.study_tables import AxisTable, Budget, DesignTable, StudyFile

PACKAGE = pathlib.Path(sim.__file__).parent
METHODS = [("**.py", "python"), ("report/templates/**.html", jinja2.ext.babel_extract)]
#: functions whose first argument is a text of the catalogues; of `counted` the second too
KEYWORDS = {"_": None, "N_": None, "say": None, "counted": (1, 2)}
#: tables of files that users write, besides levers and parameters
READ = (Scenario, Announced, StudyFile, AxisTable, DesignTable, Budget, Settings, CityZone, CityNode)
HEADER = (
    "# Texts of sim in {language}. Renewed by tests/refresh_language.py; translations are written by hand.\n#"
)
#: the same on every machine and every day: a catalogue changes with its texts alone
DATE = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
NAMES = {"en": "English", "zh": "Chinese"}


def texts() -> dict[str, list[tuple[str, int]]]:
    """Return every text that users can see, with the places where it stands."""
    found: dict[str, list[tuple[str, int]]] = {}
    for name, line, message, _, _ in extract_from_dir(PACKAGE, METHODS, keywords=KEYWORDS):
        for text in message if isinstance(message, tuple) else (message,):
            if text:
                found.setdefault(text, []).append((f"sim/{name}", line))
    for lever in LEVERS.values():  # said where it is shown, declared where it is true
        if lever.assumed:
            found.setdefault(lever.assumed, []).append(("sim/levers", 1))
    for place, table in [*(("sim/levers", lever) for lever in (*LEVERS.values(), Phase)),
                         *(("sim/parameters", section) for section in SECTIONS.values())]:  # fmt: skip
        for field in table.model_fields.values():  # what a form says of a field is what the schema says of it
            found.setdefault(field.description.split("\n\n")[0].replace("\n", " "), []).append((place, 1))
            if unit_of(field):
                found.setdefault(unit_of(field), []).append((place, 1))
    for table in (*READ, *WORLDS.values()):  # what a reader says of a key that is missing or out of its range
        for field in table.model_fields.values():
            said = (field.description if field.is_required() else "", unit_of(field))
            for text in filter(None, said):
                found.setdefault(text, []).append((table.__module__.replace(".", "/") + ".py", 1))
    with speaking("en"):  # names of metrics follow from their ids
        for name, unit in METRICS.items():
            for text in (summary._label(name), summary._unit(unit)):
                found.setdefault(text, []).append(("sim/summary.py", 1))
    return found


def catalogue(lang: str) -> Catalog:
    """Return the catalogue of a language as it stands."""
    path = FOLDER / lang / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not path.exists():
        return Catalog(locale=lang)
    with path.open("rb") as file:
        return read_po(file, locale=lang)


def renewed(lang: str) -> Catalog:
    """Return the catalogue of a language with the texts of today; in English a text says itself."""
    old = catalogue(lang)
    new = Catalog(locale=lang, project="sim", fuzzy=False, header_comment=HEADER.format(language=NAMES[lang]))
    new.creation_date = new.revision_date = DATE
    for text, places in sorted(texts().items()):
        known = old.get(text)
        string = text if lang == "en" else (known.string if known is not None else "")
        files = sorted({(file, 0) for file, _ in places})
        new.add(text, string, locations=files, flags=("python-brace-format",) if "{" in text else ())
    return new


def compiled(found: Catalog) -> bytes:
    """Return a catalogue as gettext reads it."""
    out = io.BytesIO()
    write_mo(out, found)
    return out.getvalue()


def with_counts(found: Catalog) -> Catalog:
    """Return a catalogue in which what Click says of one and of several things stands together, as gettext asks."""
    for one, many in CLICK_COUNTS:
        strings = [found.get(text).string for text in (one, many)]
        found.delete(one)
        found.add((one, many), tuple(strings)[-found.num_plurals :])
    return found


def written(found: Catalog) -> bytes:
    """Return a catalogue as people read it."""
    out = io.BytesIO()
    write_po(out, found, width=100, include_lineno=False, omit_header=False)
    lines = out.getvalue().splitlines(keepends=True)
    return b"".join(
        line for line in lines if not line.startswith((b'"POT-Creation', b'"PO-Revision', b'"Generated-By'))
    )


def main() -> int:
    """Renew all catalogues; return how many texts lack a translation, at most 1."""
    missing = []
    for lang in LANGUAGES:
        folder = FOLDER / lang / "LC_MESSAGES"
        folder.mkdir(parents=True, exist_ok=True)
        found = renewed(lang)
        missing += [message.id for message in found if message.id and not message.string]
        (folder / f"{DOMAIN}.po").write_bytes(written(found))
        (folder / f"{DOMAIN}.mo").write_bytes(compiled(with_counts(found)))
    print("\n".join(missing))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
