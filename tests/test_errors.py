"""The error tree says what happened and what to do."""

from __future__ import annotations

import inspect

from outreach import errors


def test_every_error_stands_in_the_drawn_tree() -> None:
    drawing = errors.__doc__ or ""
    classes = [item for _, item in inspect.getmembers(errors, inspect.isclass) if item.__module__ == errors.__name__]
    assert [item.__name__ for item in classes if item.__name__ not in drawing and item is not errors.PlacedError] == []
    assert all(issubclass(item, errors.OutreachError) for item in classes)


def test_a_name_that_is_not_found_suggests_the_nearest() -> None:
    error = errors.NotFound("campaign", "car-t-cel-therapy", ["summer", "car-t-cell-therapy"])
    assert error.hint == "Did you mean 'car-t-cell-therapy'?"
    assert errors.NotFound("campaign", "x", ["summer"]).hint is None


def test_a_fault_in_a_file_names_the_place() -> None:
    error = errors.ArticleError("the title is missing", file="a.md", line=3)
    assert str(error) == "a.md, line 3: the title is missing"
