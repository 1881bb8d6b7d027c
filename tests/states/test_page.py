"""The generated parts of the pages say what the code says."""

from __future__ import annotations

import pytest

from scripts.pages import PAGES, ROOT, current


@pytest.mark.parametrize("path", PAGES)
def test_the_page_is_current(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert current(text, PAGES[path]) == text, "run make pages"


def test_a_part_that_changed_is_written_anew() -> None:
    page = "before\n<!-- made: a -->\nold\n<!-- end -->\nafter\n"
    made = current(page, {"a": lambda: iter(["new", "er"])})
    assert made == "before\n<!-- made: a -->\nnew\ner\n<!-- end -->\nafter\n"


def test_a_part_that_is_missing_or_unknown_is_told() -> None:
    with pytest.raises(KeyError, match="the page has no part a"):
        current("nothing\n", {"a": lambda: iter(())})
    with pytest.raises(KeyError, match="b"):
        current("<!-- made: b -->\n<!-- end -->\n", {})
