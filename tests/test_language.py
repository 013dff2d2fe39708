"""Catalogues are whole and true to the sources, and the language is what was asked for."""

import dataclasses
import gettext
import os
import pathlib
import re
import string
import subprocess
import sys

import click.testing
import pytest
import refresh_language
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from report_cases import effect, evaluation, policy

from sim import language, summary
from sim.__main__ import cli
from sim.evaluation import table, words
from sim.evaluation.result import Estimate, LeverUse
from sim.explain import _in_brackets
from sim.language import (
    FOLDER,
    LANGUAGES,
    MissingEntryError,
    asked,
    current,
    in_language,
    lending,
    speaking,
    split_off,
    translated,
)
from sim.levers import LEVERS

#: what may stand in Latin letters in a Chinese text: names, units, ids, what is typed
LATIN = re.compile(
    r"`[^`]*`|\{[^{}]*\}|\bsim \S.*|[\w./-]*[./_=\[\]-][\w./=\[\]-]*|--[\w-]+|\"[^\"]*\"|'[^']*'"
)

#: words that promise or judge, whatever they are said of
AVOIDED = ("显著", "拉动", "赋能", "虹吸", "抓手", "大幅", "无谓损失")
ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def catalogues():
    return {lang: refresh_language.catalogue(lang) for lang in LANGUAGES}


@pytest.fixture(scope="module")
def texts():
    return refresh_language.texts()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_text_of_the_sources_is_in_the_catalogue_and_none_that_is_gone(catalogues, texts, lang):
    entries = {message.id for message in catalogues[lang] if message.id}
    assert entries == set(texts), "type: python tests/refresh_language.py"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_entry_is_translated(catalogues, lang):
    assert [message.id for message in catalogues[lang] if message.id and not message.string] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_compiled_catalogue_is_the_written_one(catalogues, lang):
    with (FOLDER / lang / "LC_MESSAGES" / "sim.mo").open("rb") as file:
        compiled = read_mo(file)
    whole = refresh_language.with_counts(refresh_language.catalogue(lang))
    plain = lambda text: text if isinstance(text, str) else tuple(text)  # noqa: E731 - several forms are a list or a tuple
    entries = [{plain(m.id): plain(m.string) for m in found if m.id} for found in (compiled, whole)]
    assert entries[0] == entries[1]


def test_translations_have_the_fields_of_their_text(catalogues):
    fields = lambda text: sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)  # noqa: E731
    for message in catalogues["zh"]:
        if message.id:
            assert set(fields(message.string)) <= set(fields(message.id)), message.id
            dropped = set(fields(message.id)) - set(fields(message.string))
            assert not dropped, message.id


def test_chinese_is_chinese(catalogues):
    """A text of several words has Chinese characters, and full-width marks beside them."""
    for message in catalogues["zh"]:
        words = re.findall(r"[A-Za-z]{2,}", LATIN.sub(" ", message.id))
        if len(words) > 2:
            assert re.search(r"[\u4e00-\u9fff]", message.string), message.id
        assert not re.search(r"[\u4e00-\u9fff][,;?!]|[\u4e00-\u9fff] %", message.string), message.string


def test_words_that_mislead_are_not_used(catalogues):
    assert not [m.string for m in catalogues["zh"] if any(word in m.string for word in AVOIDED)]
    english = re.compile(r"\b(boosts?|drives?|significant\w*|optimal|proves?)\b")
    assert not [m.id for m in catalogues["en"] if m.id and english.search(m.id)]


@pytest.mark.parametrize("page", ["index", "evaluation", "report"])
def test_chinese_pages_use_the_words_of_the_report(page):
    """A belt is 片带, a segment 企业类型, a dose 规模; and no space stands before the sign of per cent."""
    with (ROOT / "docs" / "locale" / "zh" / "LC_MESSAGES" / f"{page}.po").open("rb") as file:
        said = [m.string for m in read_po(file) if m.id]
    avoided = (*AVOIDED, "地带", "赛道", "细分领域", "剂量", " %")
    assert not [text for text in said if any(word in text for word in avoided)]


def test_a_text_that_no_catalogue_has_is_refused():
    with pytest.raises(MissingEntryError, match="no such text"):
        in_language("no such text", "zh")


def test_what_the_user_reads_falls_back_to_english():
    with speaking("zh"):
        assert language._("no such text") == "no such text"
        assert language._("adds") == "增加"
    with speaking("en"):
        assert language._("adds") == "adds"


@pytest.mark.parametrize(
    ("line", "variables", "lang"),
    [(["list", "--lang", "zh"], {"SIM_LANG": "en"}, "zh"), (["list"], {"SIM_LANG": "zh", "LANG": "en_US.UTF-8"}, "zh"),
     (["list"], {"LANG": "zh_CN.UTF-8"}, "zh"), (["list"], {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
     (["list"], {"LANG": "tr_TR.UTF-8"}, "en"), (["list"], {}, "en"), (["--lang=en"], {"SIM_LANG": "zh"}, "en")],
)  # fmt: skip
def test_the_command_line_comes_before_the_variable_and_that_before_the_locale(line, variables, lang):
    assert current(line, variables) == lang


def test_the_language_may_stand_anywhere_on_the_line():
    assert split_off(["report", "x", "--lang", "zh", "--out", "y"]) == ("zh", ["report", "x", "--out", "y"])
    assert split_off(["--lang=zh", "list"]) == ("zh", ["list"])
    assert split_off(["list"]) == (None, ["list"])
    assert split_off(["list", "--lang", "fr"]) == (None, ["list", "--lang", "fr"])
    assert asked(["--lang"]) is None


@pytest.fixture
def command(monkeypatch):
    """Return what the command prints, its standard error after its output; what it sets is undone."""
    from sim.__main__ import cli

    monkeypatch.setenv("SIM_LANG", "en")

    def run(*line):
        found = click.testing.CliRunner().invoke(cli, line)
        return found.exit_code, found.output

    return run


def test_errors_speak_the_language_asked_for(command):
    code, said = command("scenario", "validate", "no-such-scenario", "--lang", "zh")
    assert code == 2
    assert "没有此名称的情景" in said
    code, said = command("scenario", "validate", "no-such-scenario", "--lang", "en")
    assert code == 2
    assert "no scenario of this name" in said
    assert os.environ["SIM_LANG"] == "en"


def test_a_language_that_there_is_not_is_refused(command):
    code, said = command("--lang", "fr", "list")
    assert code == 2
    assert "'en', 'zh'" in said


def test_a_kept_sentence_is_read_in_either_language():
    english = language.in_language("{done} of {n} seeds are complete in every scenario", "en").format(
        done=3, n=8
    )
    chinese = language.in_language("{done} of {n} seeds are complete in every scenario", "zh").format(
        done=3, n=8
    )
    assert translated(english, "zh") == chinese
    assert translated(chinese, "en") == english
    assert translated(english, "en") == english
    for name in ("<b>a name {0}</b>", "from here to there", "the whole 9 yards"):
        assert translated(name, "zh") == name


def test_gettext_itself_finds_the_catalogues():
    assert gettext.translation("sim", FOLDER, ["zh"]).gettext("adds") == "增加"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--help"], ("用法：", "命令:", "显示本帮助并退出。")),
        (["compare", "--help"], ("用法：", "选项:", "默认：20")),
        (["compare", "--nope"], ("错误：没有选项 '--nope'。", "compare --help' 查看帮助。")),
        (["lst"], ("错误：没有命令 'lst'。", "是否想输入：'list'？")),
        (["compare", "--seeds", "0"], ("'--seeds' 的值无效：0 不在范围",)),
        (["compare", "--out"], ("选项 '--out' 需要 1 个值。",)),
        (["report"], ("缺少参数",)),
        (["report", "a", "b", "c"], ("多余的参数（b c）",)),
    ],
)
def test_what_click_says_is_chinese_where_the_user_is(monkeypatch, tmp_path, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    monkeypatch.setenv("SIM_LANG", "zh")
    for command in (
        cli,
        *cli.commands.values(),
    ):  # which keeps the help option in the language of its first use
        monkeypatch.setattr(command, "_help_option", None)
    answer = click.testing.CliRunner().invoke(cli, words)
    assert [part for part in said if part not in answer.output] == []
    assert not re.search("Usage|Options|Error|Try |No such|Missing|Invalid|Show this", answer.output)


def test_gettext_is_left_as_it_was(monkeypatch):
    monkeypatch.setenv("LANGUAGE", "fr")
    before = gettext.textdomain()
    with lending("zh"):
        assert gettext.gettext("Usage:") == "用法："
        assert gettext.ngettext(
            "Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)", 1
        ).startswith("是否")
    assert (gettext.textdomain(), os.environ["LANGUAGE"]) == (before, "fr")
    assert gettext.gettext("Usage:") == "Usage:"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("group", [(), ("study",), ("scenario",), ("world",)], ids=" ".join)
def test_the_help_of_a_group_tells_each_command_in_one_whole_short_sentence(lang, group):
    words = [sys.executable, "-m", "sim", *group, "--help"]
    told = subprocess.run(
        words, env=os.environ | {"SIM_LANG": lang}, capture_output=True, text=True, check=True
    )
    commands = re.split(r"(?:Commands|命令):\n", told.stdout)[1].split("\n\n")[0].splitlines()
    known = cli.commands[group[0]].commands if group else cli.commands
    assert [line.split()[0] for line in commands] == sorted(known)
    for line in commands:
        assert line.endswith(("。", "." if lang == "en" else "。")), line
        assert not line.endswith("..."), line


EARLY = """name = "Early"
extends = "baseline"
months = 0
[births]
heredity = 7
[[policies]]
id = "cut"
kind = "rent-cut"
from = "2015-01"
share = 0.2
zones = ["north-latitude"]
"""


@pytest.mark.parametrize(
    "text",
    [EARLY, EARLY.replace("months = 0\n", ""), 'name = "a', "name = a", "[name", "name", "a = [1", "seeds = 1\n[design]\naxes = [{low = 1}]"],
)  # fmt: skip
@pytest.mark.parametrize("words", [("scenario", "validate"), ("study", "plan")], ids=" ".join)
def test_what_is_wrong_with_a_file_is_told_in_chinese_alone(command, tmp_path, words, text):
    (tmp_path / "file.toml").write_text(text, encoding="utf-8")
    code, said = command(*words, str(tmp_path / "file.toml"), "--lang", "zh")
    assert code == 2
    for line in said.strip().splitlines():
        place = re.match(r"\S+:\d+:\d+: ([\w.\[\]]+: )?", line)
        told = re.sub(r"“[^”]*”|'[^']*'|\([^()]*, [^()]*\)|`[^`]*`", " ", line[place.end() :])
        assert re.search(r"[\u4e00-\u9fff]", told), line
        assert not re.search(r"[A-Za-z]{2,} [A-Za-z]{2,}", told), line


def test_scenarios_are_listed_with_their_names_in_the_language_asked_for(command):
    assert "Rent cut, North Latitude" in command("list", "--lang", "en")[1]
    code, said = command("list", "--lang", "zh")
    assert code == 0
    assert "北纬社区租金减免" in said
    assert "Rent cut" not in said


@pytest.mark.parametrize(
    ("rmb", "english", "chinese"),
    [(3.9e10, "39 bn", "390亿"), (3.9e8, "390 M", "3.9亿"), (7.5e5, "0.75 M", "75万"), (0, "0", "0")],
)
def test_money_is_counted_as_the_language_counts(rmb, english, chinese):
    for lang, told in (("en", english), ("zh", chinese)):
        with speaking(lang):
            assert summary.money(rmb) == told


def test_chinese_sentences_on_the_console_have_chinese_marks():
    """Of a policy's line, its caution, a range in brackets: no half-width comma, colon, bracket or per cent apart."""
    net = effect("startups_region", 60, 1.0, 3.0)
    uses = (LeverUse("a", "incubator", 48, 1e8, None, 12.0, 1.0, "the whole effect", False, ()),
            LeverUse("b", "rent-cut", 0, 0.0, None, None, None, "", False, ()))  # fmt: skip
    with speaking("zh"):
        said = words.sentence(net, effect("startups_treated_zones", 60, 20.0, 3.0), 0.98, 2.4e7, None, 60)
        result = policy("Rent cut", 1.0, 3.0, levers=uses, sentence=said)
        made = evaluation([dataclasses.replace(result, caution=words.caution(result, {"a", "b"}))])
        lines = [*table.lines(made)[:2], _in_brackets(LEVERS["rent-cut"].model_fields["share"])]
    for line in lines:
        assert not re.search(r"[\u4e00-\u9fff] ?[,;:%(]|[,;:)] ?[\u4e00-\u9fff]|\d %", line), line


def test_an_evaluation_names_its_units_in_chinese():
    with speaking("zh"):
        head = table.headline_table(evaluation())[0]
    assert [cell for cell in head if re.search(r"startups|heads|RMB|m2", cell)] == []


@pytest.mark.parametrize(("lang", "amount", "heads"), [
    ("en", "120 [120, 120]", ["present cost, M RMB", "M RMB per net startup"]),
    ("zh", "12,000 [12,000, 12,000]", ["成本现值（万元）", "每净增一家（万元）"]),
])  # fmt: skip
def test_tables_of_the_console_have_amounts_in_the_unit_of_their_heads(lang, amount, heads):
    paid = Estimate(120e6, 120e6, 120e6)
    found = evaluation([policy("Rent cut", 10.0, 2.0)])
    cost = dataclasses.replace(found.policies[0].costs[-1], present_value_rmb=paid, per_net_startup_rmb=paid)
    found = dataclasses.replace(found, policies=(dataclasses.replace(found.policies[0], costs=(cost,)),))
    with speaking(lang):
        head, row = table.cost_table(found)
    assert head[1:3] == heads
    assert row[1:3] == [amount, amount]
