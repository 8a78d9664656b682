"""How is a command listed without being loaded? Help and completion read its words; its module loads when it is called.

Loading every command takes several times what most of them need: a mail's compiler, a web server, a scheduler.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True)
class Later:
    """A command or a noun that is loaded when it is called."""

    #: Where it stands: ``module:function``, or ``module:app`` for a noun.
    place: str
    #: What help says of a noun; a command says it in its docstring.
    help: str | None = None

    @property
    def words(self) -> str:
        """What help says of it."""
        return self.help or _docstring(self.place)

    def loaded(self, name: str) -> Any:
        """The command or group itself, as Typer makes it."""
        module, _, attribute = self.place.partition(":")
        found = getattr(import_module(module), attribute)
        shell = typer.Typer(rich_markup_mode=None)
        if isinstance(found, typer.Typer):
            shell.add_typer(found, name=name, help=self.help)
        else:
            shell.command(name)(found)
        return typer.main.get_group(shell).commands[name]


class Listed(TyperCommand):
    """What stands for a command in lists: its name and its words, nothing that could be called."""

    def __init__(self, name: str, later: Later) -> None:
        super().__init__(name, rich_markup_mode=None)
        self.later = later

    def get_short_help_str(self, limit: int = 45) -> str:
        """Its words, read when a list is shown."""
        self.help = self.later.words
        return super().get_short_help_str(limit)


def tree(commands: Mapping[str, Later]) -> type[TyperGroup]:
    """A group for Typer's `cls`, with these commands by the names that are typed, in the order of help."""

    class Tree(TyperGroup):
        """Lists every command, and loads the one that is called."""

        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            for name, later in commands.items():
                self.commands[name] = Listed(name, later)

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            """The command that is called, or whose options are completed: here it must be the real one."""
            name, listed, rest = super().resolve_command(ctx, args)
            later = commands.get(name or "")
            return name, later.loaded(str(name)) if later else listed, rest

    return Tree


def _docstring(place: str) -> str:
    """The docstring of a function, read from its source."""
    module, _, name = place.partition(":")
    for node in _source(module).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return inspect.cleandoc(ast.get_docstring(node) or "")
    raise LookupError(f"{module} has no function {name}")


@cache
def _source(module: str) -> ast.Module:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
