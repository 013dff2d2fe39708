"""The written pages say what the code says."""

import importlib.util
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent
spec = importlib.util.spec_from_file_location("refresh", ROOT / "docs" / "refresh.py")
refresh = importlib.util.module_from_spec(spec)
spec.loader.exec_module(refresh)


@pytest.mark.parametrize("name", refresh.PAGES)
def test_a_generated_page_is_not_stale(name):
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert text == refresh.PAGES[name](), "run python docs/refresh.py"


def test_every_link_of_a_page_leads_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_begins_with_the_two_set_up_commands():
    lines = [line.strip() for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()]
    commands = [line for line in lines if line.startswith("pip install uv")]
    assert commands[:2] == [
        "pip install uv && python -m uv run sim compare",
        "pip install uv && python -m uv run pytest",
    ]


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 2
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        code = block.replace("seeds=5, months=24", "seeds=2, months=3").replace("months=12", "months=3")
        exec(compile(code, "README.md", "exec"), {})
    assert "startups_region" in capsys.readouterr().out
