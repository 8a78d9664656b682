"""Whatever a template does with a recipient's values, the mail says what ordinary Jinja would have said."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.errors import TemplateError
from outreach.message import splice
from outreach.message.compiled import Compiled, Part
from outreach.message.recipient import Recipient
from tests.message import mail

PRINTS = {
    "the value": "{{ name }}",
    "with a fallback": "{{ name | fallback('reader') }}",
    "with default": "{{ name | default('reader') }}",
    "with a chain of fallbacks": "{{ nick | fallback(name) | fallback('reader') }}",
    "through subscriber": "{{ subscriber.name }}",
    "escaped": "{{ name | e }}",
    "joined while it is printed": "{{ 'Hi ' ~ name ~ '!' }}",
    "by a macro": "{% macro bold(x) %}<b>{{ x }}</b>{% endmacro %}{{ bold(name) }}",
    "from a list": "{% for x in [name, city] %}<i>{{ x }}</i>{% endfor %}",
    "set": "{% set x = name %}{{ x }}",
    "set by a block": "{% set x %}<b>{{ name }}</b>{% endset %}{{ x }}",
    "in a namespace": "{% set ns = namespace(x=name) %}{{ ns.x }}",
    "with": "{% with x = name %}{{ x }}{% endwith %}",
    "in a certain branch": "{% if links.view and name | fallback('x') %}{{ name }}{% endif %}",
    "in an attribute": '<a title="{{ name }}" href="https://example.org/">x</a>',
    "as a URL": '<a href="{{ city }}">x</a>',
    "at the end of a URL": '<a href="https://example.org/?x={{ city }}">x</a>',
    "in a comment": "<!-- {{ name }} -->",
    "between rows": "<table><tr><td>{{ name }}</td></tr></table>",
}
USES = {
    "upper": "{{ name | upper }}",
    "truncate": "{{ name | truncate(5) }}",
    "length": "{{ name | length }}",
    "replace": "{{ name | replace('a', 'b') }}",
    "urlencode": '<a href="https://example.org/?x={{ name | urlencode }}">x</a>',
    "format": "{{ '%s, welcome' | format(name) }}",
    "percent": "{{ '%s, welcome' % name }}",
    "str.format": "{{ '{}, welcome'.format(name) }}",
    "plus": "{{ name + '!' }}",
    "join": "{{ [name, city] | join(', ') }}",
    "concatenated, then used": "{{ ('Hi ' ~ name) | upper }}",
    "a method": "{{ name.upper() }}",
    "an item": "{{ name.split(' ')[0] }}",
    "a slice": "{{ name[:3] }}",
    "or": "{{ name or 'reader' }}",
    "ternary": "{{ 'A' if city == 'Berlin' else 'B' }}",
    "lookup": "{{ {'Berlin': 'Hallo'}[city] | default('Hello') }}",
    "if": "{% if name %}<b>{{ name }}</b>{% else %}nobody{% endif %}",
    "compare": "{% if city == 'Berlin' %}<p>{{ name }}</p>{% elif city != 'Rome' %}x{% else %}<b>y</b>{% endif %}",
    "less": "{% if name < city %}<b>{{ name }}</b>{% endif %}",
    "in": "{% if city in ['Berlin', 'Rome'] %}<b>x</b>{% endif %}",
    "contains": "{% if 'a' in name %}<b>x</b>{% endif %}",
    "none": "{% if name is not none %}<b>x</b>{% endif %}",
    "test": "{% if name is string %}<b>x</b>{% endif %}{% if name is upper %}<i>{{ name }}</i>{% endif %}",
    "not": "{% if not name %}<b>x</b>{% endif %}",
    "for": "<ul>{% for part in name.split(',') %}<li>{{ loop.index }} {{ part }}</li>{% endfor %}</ul>",
    "characters": "{% for c in name %}<b>{{ c }}</b>{% else %}none{% endfor %}",
    "rows": "<table>{% if name %}<tr><td>{{ name }}</td></tr>{% endif %}<tr><td>x</td></tr></table>",
    "set by a block, then used": "{% set x %}Dear {{ name }}{% endset %}{{ x | upper | lower }}",
    "filter block": "{% filter lower %}Dear {{ name }}{% endfilter %}",
    "a macro's result": "{% macro b(x) %}<b>{{ x }}</b>{% endmacro %}{{ b(name) | length }}",
    "truth of a macro": "{% macro b(x) %}{{ x }}{% endmacro %}{% if b(name) %}<b>x</b>{% endif %}",
    "a macro that asks": "{% macro b(x) %}{% if x %}<b>{{ x }}</b>{% endif %}{% endmacro %}{{ b(name) }}",
    "the body": "{{ article.body | striptags | length }}",
    "the body holds": "{% if 'Berlin' in article.body %}<b>x</b>{% endif %}",
    "the preheader": "{{ article.preheader | upper }}",
    "a class": '<p class="{{ "b" if city == "Berlin" else "c" }}">x</p>',
}
CSS = "b { color: red } .b { color: blue } .c { color: green } tr:first-child { color: black } p + p { margin: 0 }"
LAYOUT = (
    "<!doctype html><html><head><title>t</title></head><body><div>FRAME {{ article.body }}</div><p>x</p><p>y</p>"
    '<div><a href="{{ links.unsubscribe }}">leave</a></div></body></html>'
)
PREHEADER = "In {{ city }}"
BODY = "Dear {{ name | fallback('reader') }} of {{ city }}."


def compiled(template: str) -> Compiled:
    """A layout with this template in it."""
    return mail.compiled(BODY, html=LAYOUT.replace("FRAME", template), css=CSS, preheader=PREHEADER, subject="x")


def same_as_jinja(made: Compiled, template: str, recipient: Recipient) -> None:
    """The HTML part is what premailer makes of this recipient's own rendering."""
    _, html = mail.parts(splice.message(made, recipient, mail.stamp()))
    layout = LAYOUT.replace("FRAME", template)
    assert html == mail.inlined(layout, recipient, CSS, body=BODY, preheader=PREHEADER, subject="x")


PEOPLE = [
    mail.person("Ann Lee", "Berlin", nick=""),
    mail.person("", "Rome", nick="Nan"),
    mail.person("ann,<b>&\"'", "https://x.example/?a=1&b=2", nick=" "),
    mail.person("李小龍 {{ 7 * 7 }}", "München", nick="x"),
    mail.person("ANN", "ANN", nick=""),
]


@pytest.mark.parametrize("template", PRINTS.values(), ids=PRINTS.keys())
def test_a_value_that_is_only_printed_leaves_a_slot(template: str) -> None:
    made = compiled(template)
    assert made.scene is None
    for recipient in PEOPLE:
        same_as_jinja(made, template, recipient)


@pytest.mark.parametrize("template", USES.values(), ids=USES.keys())
def test_a_value_that_is_used_is_noticed_and_never_asked_of_the_mark(template: str) -> None:
    made = compiled(template)
    assert Part.HTML in made.pieces
    for again in (made, Compiled.from_bytes(made.to_bytes())):
        for recipient in PEOPLE:
            same_as_jinja(again, template, recipient)


_EVERY_USE = "".join(f"<div>{use}</div>" for name, use in USES.items() if not name.startswith("the body"))
_EVERY = compiled(_EVERY_USE.replace("macro b(", "macro b0(", 1).replace("{{ b(name) | l", "{{ b0(name) | l"))


@given(name=st.text(max_size=30), city=st.sampled_from(["Berlin", "Rome", "", "a&b"]))
@settings(max_examples=60, deadline=None)
def test_every_use_at_once_comes_out_as_in_jinja(name: str, city: str) -> None:
    template = _EVERY_USE.replace("macro b(", "macro b0(", 1).replace("{{ b(name) | l", "{{ b0(name) | l")
    same_as_jinja(_EVERY, template, mail.person(name, city, nick=""))


def test_recipients_whose_answers_are_alike_share_one_variant() -> None:
    made = compiled(USES["compare"])
    for index in range(50):
        splice.message(made, mail.person(f"Person {index}", "Berlin" if index % 2 else "Rome"), mail.stamp())
    assert len(made.memo["plan"].variants._kept) == 2


@pytest.mark.parametrize("use", ["{{ name }}", "{{ name | upper }}", "{% if name %}{{ name }}{% endif %}"])
def test_values_go_through_inheritance_includes_imports_and_calls(use: str) -> None:
    sources = {
        "base.html": "<!doctype html><html><body>{% block a %}<i>"
        + use
        + "</i>{% endblock %}{{ self.a() }}</body></html>",
        "part.html": f"<b>{use}</b>",
        "macros.html": "{% macro bold(x) %}<b>{{ x }}{{ caller() }}</b>{% endmacro %}"
        "{% macro own() %}{{ name }}{% endmacro %}",
        "layout.html": '{% extends "base.html" %}{% import "macros.html" as m %}{% block a %}{{ super() }}'
        '{% include "part.html" %}{% call m.bold(name) %}' + use + "{% endcall %}{{ m.own() }}{% endblock %}",
    }
    layout = mail.Layout("plain", sources)
    made = mail.compile.campaign(mail.article(BODY), layout, mail.identity(subject="x"), date=mail.DATE, tracked=False)
    for name in ("Ann", "Bob & Co", ""):
        said = name.upper() if "upper" in use else name
        words = [f"<i>{said}</i><b>{said}</b>", f"<b>{name}{said}</b>{name}"]
        _, html = mail.parts(splice.message(made, mail.person(name), mail.stamp()))
        expected = f"<body>{''.join(words * 2)}</body>".replace("&", "&amp;")
        assert expected in html.replace("&amp;AMP;", "&amp;")


def test_a_field_is_defined_when_it_is_not_empty() -> None:
    made = compiled("{% if name is defined %}<b>x</b>{% endif %}{% if nick is undefined %}<i>y</i>{% endif %}")
    said = [mail.parts(splice.message(made, mail.person(name), mail.stamp()))[1] for name in ("Ann", "")]
    assert ["<b " in html for html in said] == [True, False]
    assert ["<i>" in html for html in said] == [True, True]


def test_the_subject_varies_alone() -> None:
    made = mail.compiled(subject="{{ name | upper }}, news")
    assert [piece for piece in made.pieces if isinstance(piece, Part)] == [Part.SUBJECT, Part.TEXT, Part.HTML]
    bare = mail.compiled(subject="{{ name | upper }}, news", html=mail.BARE)
    assert [piece for piece in bare.pieces if isinstance(piece, Part)] == [Part.SUBJECT]
    data = splice.message(bare, mail.person("Änne"), mail.stamp())
    assert mail.parsed(data)["Subject"] == "ÄNNE, news"


def test_the_text_part_varies_with_the_html() -> None:
    made = compiled(USES["compare"])
    text, _ = mail.parts(splice.message(made, mail.person("Ann", "Berlin"), mail.stamp()))
    assert text.startswith("Ann\n\nDear Ann of Berlin.\n")
    text, _ = mail.parts(splice.message(made, mail.person("Ann", "Rome"), mail.stamp()))
    assert text.startswith("y\n\nDear Ann of Rome.\n") or text.startswith("y Dear Ann of Rome.\n")


def test_links_of_every_branch_have_numbers_that_do_not_depend_on_the_recipient() -> None:
    branches = "".join(
        f'{{% if city == "{city}" %}}<a href="https://{city}.example/">{city}</a>{{% endif %}}'
        for city in ("one", "two", "three")
    )
    elif_branches = (
        '{% if name == "a" %}<a href="https://a.example/">a</a>{% elif name == "b" %}<a href="https://b.example/">b</a>'
        '{% else %}{% for x in nick %}<a href="https://c.example/">c</a>{% else %}<a href="https://d.example/">d</a>'
        "{% endfor %}{% endif %}"
    )
    made = mail.compiled(BODY, html=LAYOUT.replace("FRAME", branches + elif_branches), tracked=True)
    urls = {link.url: link.number for link in made.links}
    assert set(urls) == {f"https://{host}.example/" for host in ("one", "two", "three", "a", "b", "c", "d")}
    _, html = mail.parts(splice.message(made, mail.person("b", "two"), mail.stamp()))
    assert mail.stamp().click(urls["https://two.example/"]) in html
    assert mail.stamp().click(urls["https://b.example/"]) in html
    assert '.example/"' not in html.replace("clinic.example/", "")


def test_a_value_that_a_fallback_guards_is_not_required() -> None:
    assert mail.compiled("Dear {{ name | fallback('x') }}, {{ plan | d('') }}", html=mail.BARE).required == frozenset()
    assert mail.compiled("{{ clinic }} {{ email }}", html=mail.BARE).required == {"clinic"}
    assert mail.compiled("{% if clinic %}{{ clinic }}{% endif %}", html=mail.BARE).required == frozenset()
    assert mail.compiled("{% if clinic %}x{% endif %} {{ city }}", html=mail.BARE).required == {"city"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("{{ article.titel }}", "did you mean article.title"),
        ("{{ links.quota }}", "did you mean links.quote"),
        ("{{ publisher.phone }}", "publisher has name, address"),
        ("{{ articel.body }}", "articel is a recipient's value, which is text"),
        ("{{ articel.title }}", "'title' of a recipient's value is a function"),
        ("{{ name | shout }}", "shout"),
        ("{% include 'foot.html' %}", "foot.html"),
        ("{{ fmt(name) }}", "not a function"),
        ("{{ links }}", "not text"),
        ("{{ ''.__class__ }}", "unsafe"),
        ("{% autoescape false %}{{ name }}{% endautoescape %}", "autoescape"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{% if city == 'x' %}{{ article.titel }}{% endif %}", "article.title"),
        ("{% if city == 'x' %}{% else %}{{ article.titel }}{% endif %}", "article.title"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_line(wrong: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words) as in_layout:
        mail.compiled(html=mail.HTML.replace("<h1>", f"{wrong}<h1>"))
    assert (in_layout.value.file, in_layout.value.line) == ("plain/layout.html", 6)
    with pytest.raises(TemplateError, match=words) as in_article:
        mail.compiled(f"First paragraph\nof two lines.\n\nThen {wrong}")
    assert (in_article.value.file, in_article.value.line) == ("cells.md", 14)


def test_a_mistake_in_the_subject_is_told_as_one() -> None:
    with pytest.raises(TemplateError, match=r"cells\.md: in the subject: article\.titel does not exist"):
        mail.compiled(subject="{{ article.titel }}")


def test_a_template_cannot_reach_out_of_its_sandbox() -> None:
    with pytest.raises(TemplateError):
        mail.compiled("{{ article.__init__.__globals__ }}", html=mail.BARE)
    with pytest.raises(TemplateError):
        mail.compiled("{{ name.reading }}", html=mail.BARE)


def test_html_that_the_template_calls_safe_is_taken_as_html() -> None:
    made = compiled("{{ name | safe }}")
    _, html = mail.parts(splice.message(made, mail.person("<b>bold</b>"), mail.stamp()))
    assert '<b style="color:red">bold</b>' in html
