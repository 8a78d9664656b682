"""How does Jinja run when it may do no harm, and must notice who looks into a recipient's values?

In its sandbox, escaping everything, strict about names that do not exist. A name that nothing else has is a field of
the recipient and stays opaque (opaque.py): every filter, test, operator, call and attribute that would look into it is
noticed here, and every comparison and truth by the object itself.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import jinja2
from jinja2 import nodes, pass_eval_context
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace, missing
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from outreach.message import absent
from outreach.message.opaque import Opaque, Reading, Rendered, raw, reading_of
from outreach.message.slots import Value

#: Templates whose name ends like this are no HTML.
PLAIN = (".txt", ":subject", ":preheader")


class View:
    """Something that templates know by a name of its own, such as ``article``."""

    def __init__(self, called: str, values: Mapping[str, Any]) -> None:
        self._called = called
        self._values = values

    def __getitem__(self, name: str) -> Any:
        value = self._values[name]
        return value() if callable(value) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __str__(self) -> str:
        raise TypeError(
            f"{self._called} is not text; print one of its values, such as {self._called}.{next(iter(self))}"
        )

    __html__ = __str__


class Subscriber:
    """The recipient as ``subscriber.<field>``, for columns whose name something else has."""

    def __getitem__(self, name: str) -> Opaque:
        return field(name)


#: The reading of the rendering that is going on in this thread.
current: ContextVar[Reading] = ContextVar("reading")


def field(name: str) -> Opaque:
    """A field of the recipient who is being read."""
    reading = current.get()
    reading.named.add(name)
    return Opaque(reading, Value((name,)))


class _Context(Context):
    """Where a name that nothing has is a field of the recipient."""

    def resolve_or_missing(self, key: str) -> Any:
        found = super().resolve_or_missing(key)
        return field(key) if found is missing else found


class _Undefined(jinja2.StrictUndefined):
    """Says which name does not exist, and which one may have been meant."""

    @property
    def _undefined_message(self) -> str:
        owner, name = self._undefined_obj, self._undefined_name
        if self._undefined_hint or not isinstance(owner, View | Opaque) or name is None:
            return str(super()._undefined_message)
        if isinstance(owner, Opaque):
            described = owner.reading.marks.unmarked(str(owner.reading.printed(owner.thing))).strip("{}")
            return f"{described}.{name} does not exist: {described} is a recipient's value, which is text"
        called = owner._called
        near = difflib.get_close_matches(str(name), list(owner), n=1)
        known = f"did you mean {called}.{near[0]}?" if near else f"{called} has {', '.join(owner)}"
        return f"{called}.{name} does not exist ({known})"


class _Loader(jinja2.BaseLoader):
    def __init__(self, sources: Mapping[str, str]) -> None:
        self.sources = sources

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        if template not in self.sources:
            raise jinja2.TemplateNotFound(template)
        return self.sources[template], template, lambda: True


class Environment(ImmutableSandboxedEnvironment):
    """The sandbox for the templates of one campaign; `token` is the word that its marks begin with."""

    context_class = _Context
    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "**", "%"))
    intercepted_unops = frozenset(("+", "-"))

    def __init__(self, sources: Mapping[str, str], token: str) -> None:
        super().__init__(
            loader=_Loader(sources),
            autoescape=lambda name: name is None or not name.endswith(PLAIN),
            undefined=_Undefined,
            finalize=_finalized,
            keep_trailing_newline=True,
        )
        self.token = token
        self.globals.pop("lipsum")
        self.filters = {name: self.noticing(work) for name, work in self.filters.items()}
        self.tests = {name: self.noticing(work, asks=True) for name, work in self.tests.items()}
        self.tests |= {"defined": absent.is_defined, "undefined": absent.is_undefined}
        self.filters |= dict.fromkeys(("fallback", "default", "d"), absent.fallback)
        self.filters |= {"e": _escaped(self.filters["e"]), "escape": _escaped(self.filters["escape"])}
        self.filters |= {"safe": _safe(self.filters["safe"])}
        self.filters |= {_JOINED: self.noticing(_joined), _CAPTURED: self.rendered}

    def rendered(self, value: Any) -> Any:
        """A rendered text, which is opaque when it holds marks."""
        if isinstance(value, str) and self.token in value:
            return Opaque(current.get(), Rendered(value))
        return value

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self._looked_up(obj, attribute, super().getattr)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return self._looked_up(obj, argument, super().getitem)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        if isinstance(obj, Opaque) and isinstance(obj.thing, Value):
            raise jinja2.UndefinedError(f"{obj.thing.fields[0]!r} is not a function")
        reading = None if _only_carries(obj) else reading_of(obj, args, kwargs)
        if reading is None:
            found = super().call(context, obj, *args, **kwargs)
            # What a call block returns is written without another look; it cannot be used, and must be text.
            return found if "caller" in kwargs else self.rendered(found)
        call = super().call
        return reading.derive(lambda: call(context, raw(obj), *raw(args), **raw(kwargs)))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        reading = reading_of(left, right)
        if reading is None:
            return super().call_binop(context, operator, left, right)
        return reading.derive(lambda: self.binop_table[operator](raw(left), raw(right)))

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        reading = reading_of(arg)
        return (
            self.unop_table[operator](arg)
            if reading is None
            else reading.derive(lambda: self.unop_table[operator](raw(arg)))
        )

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        parsed: nodes.Template = _Rewriting().visit(super()._parse(source, name, filename))
        parsed.set_environment(self)
        return parsed

    def _looked_up(self, obj: Any, key: Any, look: Callable[[Any, Any], Any]) -> Any:
        reading = reading_of(obj, key)
        if reading is None:
            return look(obj, key)
        if isinstance(obj, Opaque) and isinstance(obj.thing, Value) and isinstance(key, str) and not hasattr(str, key):
            return self.undefined(obj=obj, name=key)
        return reading.derive(lambda: look(raw(obj), raw(key)))

    def noticing(self, work: Any, *, asks: bool = False) -> Callable[..., Any]:
        """A filter, or a test, that knows opaque values when it is given them."""

        @functools.wraps(work)
        def noticing(*args: Any, **kwargs: Any) -> Any:
            known = [self.rendered(value) for value in args]
            reading = reading_of(*known, kwargs)
            if reading is None:
                return work(*args, **kwargs)
            answer = reading.decide if asks else reading.derive
            return answer(lambda: work(*(raw(value) for value in known), **raw(kwargs)))

        return noticing


def _only_carries(obj: Any) -> bool:
    """Whether what is called hands values on to template code, and looks into none."""
    carriers = (jinja2.runtime.Macro, jinja2.runtime.BlockReference, LoopContext)
    return isinstance(obj, carriers) or obj in (Namespace, dict)


_JOINED = " joined"
_CAPTURED = " captured"


class _Rewriting(NodeTransformer):
    """Makes the parsed template ask before it looks into a value."""

    def visit_Output(self, node: nodes.Output) -> nodes.Node:  # noqa: N802 - Jinja's way
        """Printing two values joined by ``~`` is printing one after the other."""
        node.nodes = [part for printed in node.nodes for part in _parts(printed)]
        return self.generic_visit(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        joined = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(joined, _JOINED, [], [], None, None, lineno=node.lineno)

    def visit_AssignBlock(self, node: nodes.AssignBlock) -> list[nodes.Node]:  # noqa: N802
        """What ``{% set x %}...{% endset %}`` captured may hold marks."""
        self.generic_visit(node)
        captured = nodes.Filter(_loaded(node.target), _CAPTURED, [], [], None, None, lineno=node.lineno)
        return [node, nodes.Assign(node.target, captured, lineno=node.lineno)]

    def visit_FilterBlock(self, node: nodes.FilterBlock) -> list[nodes.Node]:  # noqa: N802
        """``{% filter f %}...{% endfilter %}`` is ``{% set x %}...{% endset %}{{ x | f }}``."""
        block = nodes.AssignBlock(nodes.Name("_filtered", "store"), None, node.body, lineno=node.lineno)
        innermost = node.filter
        while isinstance(innermost.node, nodes.Filter):
            innermost = innermost.node
        innermost.node = nodes.Name("_filtered", "load", lineno=node.lineno)
        return [*self.visit_AssignBlock(block), nodes.Output([self.visit(node.filter)], lineno=node.lineno)]

    def visit_Import(self, node: nodes.Import) -> nodes.Node:  # noqa: N802
        node.with_context = True  # a module without context is kept, with the values of whoever came first
        return self.generic_visit(node)

    visit_FromImport = visit_Import  # noqa: N815

    def visit_ScopedEvalContextModifier(self, node: nodes.ScopedEvalContextModifier) -> nodes.Node:  # noqa: N802
        raise jinja2.TemplateSyntaxError("autoescape cannot be switched", node.lineno)


def _parts(node: nodes.Expr) -> Iterable[nodes.Expr]:
    return node.nodes if isinstance(node, nodes.Concat) else [node]


def _loaded(target: nodes.Expr) -> nodes.Expr:
    if isinstance(target, nodes.NSRef):
        name = nodes.Name(target.name, "load", lineno=target.lineno)
        return nodes.Getattr(name, target.attr, "load", lineno=target.lineno)
    assert isinstance(target, nodes.Name)
    return nodes.Name(target.name, "load", lineno=target.lineno)


def _finalized(value: Any) -> Any:
    """What is printed, at the moment of printing."""
    return value.reading.printed(value.thing) if isinstance(value, Opaque) else value


def _escaped(work: Callable[..., Any]) -> Callable[..., Any]:
    @pass_eval_context
    def escaped(context: nodes.EvalContext, value: Any) -> Any:
        return value if isinstance(value, Opaque) and context.autoescape else work(value)

    return escaped


def _safe(work: Callable[..., Any]) -> Callable[..., Any]:
    def safe(value: Any) -> Any:
        is_html = (
            isinstance(value, Opaque) and isinstance(value.thing, Rendered) and hasattr(value.thing.text, "__html__")
        )
        return value if is_html else work(value)

    return safe


@pass_eval_context
def _joined(context: nodes.EvalContext, values: list[Any]) -> str:
    """What ``~`` does."""
    if context.autoescape and any(hasattr(value, "__html__") for value in values):
        return Markup("").join(escape(value) for value in values)
    return "".join(str(value) for value in values)
