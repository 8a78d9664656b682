"""What a plain script does for each recipient: render the templates, inline the CSS, build the message, send it.

Written as a careful person would: templates parsed once, one connection reused, what was sent committed in batches.
The CSS is inlined as premailer's manual shows, or by our own inliner, which hands premailer a part of the sheet only
and so takes half as long.
"""

from __future__ import annotations

import logging
import smtplib
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial

import jinja2
import premailer
import sqlalchemy as sa
from markupsafe import Markup

from outreach import language
from outreach.message import article as articles
from outreach.message import inline, plaintext
from outreach.message.article import Article
from outreach.message.recipient import Recipient
from outreach.message.template import Layout

#: How many rows are committed at once.
BATCH = 100

#: HTML and a style sheet -> HTML.
Inliner = Callable[[str, str], str]


def by_the_manual(html: str, css: str) -> str:
    """premailer, as one uses it; what it parsed of a sheet it keeps."""
    html = html.replace("</head>", f"<style>{css}</style></head>", 1)
    return str(premailer.transform(html, allow_network=False, cssutils_logging_level=logging.CRITICAL))


def by_ours(html: str, css: str) -> str:
    """The inliner that campaigns are compiled with."""
    return inline.inline(html, css)


def messages(
    article: Article, layout: Layout, people: list[Recipient], url: str, *, inliner: Inliner
) -> Iterator[tuple[str, bytes]]:
    """Recipient and message, one after another."""
    environment = jinja2.Environment(autoescape=True, loader=jinja2.DictLoader(dict(layout.sources)))
    environment.filters["fallback"] = lambda value, instead: value or instead
    body = environment.from_string(articles.render_html(article))
    page = environment.get_template("layout.html")
    for number, recipient in enumerate(people):
        about = {**vars(article), "direction": article.direction}
        about["body"] = Markup(body.render(name=recipient.name))
        own = {kind: f"{url}/{kind}/{number:032}" for kind in ("unsubscribe", "preferences", "view")}
        html = page.render(
            name=recipient.name,
            article=about,
            links={**own, **article.links},
            publisher={"name": "Clinic News", "address": "news@clinic.example"},
            mailing_list={"name": "cells", "title": "Cell news"},
            postal_address="1 Road, Town",
            spoken={"language": "en", "direction": "ltr"},
            _=partial(language.spoken, {}),
        )
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"], message["Subject"] = "news@clinic.example", recipient.email, article.title
        message.set_content(plaintext.from_html(html))
        message.add_alternative(inliner(html, layout.sources["layout.css"]), subtype="html")
        yield recipient.email, message.as_bytes()


def sent(work: Iterator[tuple[str, bytes]], port: int, database: str) -> float:
    """Messages a second, the making of them included."""
    engine = sa.create_engine(database)
    table = sa.Table("sent", sa.MetaData(), sa.Column("email", sa.String, primary_key=True), sa.Column("at", sa.Float))
    table.metadata.drop_all(engine)
    table.metadata.create_all(engine)
    begun, count = time.perf_counter(), 0
    done: list[dict[str, object]] = []
    with (
        smtplib.SMTP("127.0.0.1", port, local_hostname="sender.clinic.example") as relay,
        engine.connect() as connection,
    ):
        for email, message in work:
            relay.sendmail("news@clinic.example", [email], message)
            done.append({"email": email, "at": time.time()})
            count += 1
            if len(done) == BATCH:
                _commit(connection, table, done)
        _commit(connection, table, done)
    engine.dispose()
    return count / (time.perf_counter() - begun)


def _commit(connection: sa.Connection, table: sa.Table, done: list[dict[str, object]]) -> None:
    if done:
        connection.execute(sa.insert(table), done)
        connection.commit()
        done.clear()
