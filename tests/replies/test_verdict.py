"""Verdicts: a table of what servers say, and the two mistakes that may never be made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.replies.smtp import Reply, Stage, parse
from outreach.replies.verdict import DEAD, Decision, judge, of_report

RCPT = [
    # nobody there: by enhanced code, whatever the words
    ("550 5.1.1 The email account that you tried to reach does not exist", "bounced"),
    ("550 5.1.1 blocked", "bounced"),
    ("550 5.1.6 moved", "bounced"),
    ("550 5.1.2 host unknown", "bounced"),
    ("556 5.1.10 null MX", "bounced"),
    # nobody there: by words, where no enhanced code says anything
    ("550 User unknown", "bounced"),
    ("550 No such user here", "bounced"),
    ("550 5.0.0 unknown recipient", "bounced"),
    ("550 5.5.0 mailbox not found", "bounced"),
    ("553 5.3.0 no such user here", "bounced"),
    ("554 this user does not have an example.com account", "bounced"),
    ("550 <spam@example.com>: user unknown", "bounced"),
    ("550 Requested action not taken: mailbox does not exist", "bounced"),
    ("551 invalid recipient", "bounced"),
    # the enhanced code outranks the words
    ("550 5.7.1 user unknown", "failed"),
    ("550 5.2.2 no such user", "failed"),
    ("550 5.2.1 mailbox not found", "failed"),
    ("550 5.4.1 Recipient address rejected: Access denied", "failed"),
    # not a dead address
    ("550 relay denied for unknown user", "failed"),
    ("550 mailbox unavailable", "failed"),
    ("550 blocked, unknown user of a spam list", "failed"),
    ("552 5.2.2 over quota", "failed"),
    ("550 5.7.0 user unknown", "failed"),
    ("553 5.1.7 bad sender", "failed"),
    ("554 no", "failed"),
    ("554 user unknown, blocked as spam", "failed"),
    ("553 5.3.0 no", "failed"),
    # later
    ("450 4.2.0 greylisted", "deferred"),
    ("451 4.7.1 try again", "deferred"),
    ("452 4.2.2 mailbox full", "deferred"),
    ("452 4.5.3 too many recipients", "deferred"),
    ("421 4.7.0 slow down", "deferred"),
    ("450 5.1.1 user unknown", "deferred"),
    # 552 the old way (RFC 5321 4.5.3.1.10)
    ("552 too many recipients", "deferred"),
    ("552 5.5.3 too many recipients", "deferred"),
]


@pytest.mark.parametrize(("words", "decision"), RCPT)
def test_at_the_recipient(words: str, decision: str) -> None:
    assert judge(parse([words.encode()]), Stage.RCPT).decision == decision


@pytest.mark.parametrize(
    ("words", "stage", "decision"),
    [
        ("250 2.0.0 queued", Stage.BODY, "sent"),
        ("554 5.1.1 user unknown", Stage.BODY, "failed"),
        ("554 5.7.1 spam", Stage.BODY, "failed"),
        ("451 4.3.0 later", Stage.BODY, "deferred"),
        ("421 4.3.2 closing", Stage.BODY, "deferred"),
        ("354 again?", Stage.BODY, "unknown"),
        ("550 5.1.1 user unknown", Stage.DATA, "failed"),
        ("450 4.3.1 disk", Stage.DATA, "deferred"),
        ("250 what", Stage.DATA, "requeue"),
        ("553 5.1.8 sender domain", Stage.MAIL, "failed"),
        ("550 5.1.1 user unknown", Stage.MAIL, "failed"),
        ("452 4.3.1 disk", Stage.MAIL, "deferred"),
        ("421 4.7.0 too many messages on this connection", Stage.MAIL, "requeue"),
        ("530 5.7.0 authentication required", Stage.MAIL, "requeue"),
        ("553 5.6.7 needs SMTPUTF8", Stage.LOCAL, "failed"),
    ],
)
def test_at_other_stages(words: str, stage: Stage, decision: str) -> None:
    assert judge(parse([words.encode()]), stage).decision == decision


@pytest.mark.parametrize("stage", list(Stage))
def test_silence_is_a_doubt_only_where_the_body_has_left(stage: Stage) -> None:
    expected = Decision.UNKNOWN if stage is Stage.BODY else Decision.REQUEUE
    assert judge(None, stage).decision is expected


@given(
    st.one_of(st.none(), st.builds(Reply, st.integers(200, 599), st.sampled_from([None, "5.1.1", "4.7.1"]), st.text())),
    st.sampled_from(list(Stage)),
)
def test_no_reply_leads_to_a_second_copy_or_to_a_lost_one(reply: Reply | None, stage: Stage) -> None:
    verdict = judge(reply, stage)
    accepted = reply is not None and reply.is_positive and stage is Stage.BODY
    assert (verdict.decision is Decision.SENT) == accepted
    if stage is Stage.BODY and (reply is None or not (reply.is_transient or reply.is_permanent)):
        assert verdict.decision in {Decision.SENT, Decision.UNKNOWN}
    assert verdict.is_dead_address == (verdict.decision is Decision.BOUNCED)
    if verdict.is_dead_address:
        assert stage is Stage.RCPT


def test_a_refusal_says_why() -> None:
    assert judge(Reply(550, "5.2.2", ""), Stage.RCPT).reason == "the mailbox is full"
    assert judge(Reply(550, "5.7.26", ""), Stage.BODY).reason == "refused by policy"
    assert judge(Reply(554, None, ""), Stage.BODY).reason == "the message was refused"


@pytest.mark.parametrize(
    ("status", "code", "words", "decision"),
    [
        ("5.1.1", None, "", "bounced"),
        ("5.1.1", 550, "blocked by policy", "bounced"),
        ("5.2.2", 552, "no such user", "failed"),
        ("5.7.26", 550, "user unknown", "failed"),
        ("4.4.7", 550, "user unknown", "failed"),
        ("4.1.1", None, "user unknown", "failed"),
        (None, 550, "user unknown", "bounced"),
        (None, 452, "user unknown", "failed"),
        (None, None, "user unknown", "bounced"),
        ("5.0.0", None, "user not known", "bounced"),
        (None, None, "user unknown, blocked as spam", "failed"),
        (None, None, "", "failed"),
        ("2.0.0", None, "user unknown", "failed"),
    ],
)
def test_a_report_of_a_failure(status: str | None, code: int | None, words: str, decision: str) -> None:
    assert of_report(status, words, code=code).decision == decision


@given(
    st.one_of(st.none(), st.sampled_from([*DEAD, "5.0.0", "5.2.2", "5.7.1", "5.3.0"])),
    st.sampled_from([550, 551, 553, 554]),
    st.sampled_from(["user unknown", "blocked", "mailbox full", "no such user <spam@example.com>", "no", ""]),
)
def test_a_report_and_an_answer_to_the_recipient_are_judged_alike(status: str | None, code: int, words: str) -> None:
    """One table: that the server waited with its no until later changes nothing about the address."""
    answer = judge(Reply(code, status, words), Stage.RCPT)
    told = of_report(status, words, code=code)
    assert told.decision is answer.decision
    if told.is_dead_address:
        assert told.reason == answer.reason
