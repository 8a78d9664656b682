"""Who joins by a form is mailed only after their own confirmation, and a form filled in by others changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from outreach import config, materials
from outreach.actions import create_list, erase, join, prefer, suppress, unsubscribe
from outreach.actions import subscribe as subscribing
from outreach.actions.join import Confirmation, Letter, Outcome, Wish
from outreach.actions.subscribe import Person
from outreach.audience.consent import SubscriptionState
from outreach.errors import AddressError
from outreach.store import campaigns, consents, deliveries, subscribers, subscriptions
from outreach.store.campaigns import CampaignKind, CampaignState
from outreach.store.database import Store, table_of
from outreach.store.deliveries import Delivery
from tests.store import crowd

KEY = b"k" * 32
ERASURE = b"e" * 32
WORDING = "I want the newsletter."
WISH = Wish("Ada@Example.org", "Ada", "de-AT", WORDING)


@pytest.fixture
def letter(monkeypatch: pytest.MonkeyPatch) -> Letter:
    monkeypatch.setenv("OUTREACH_FROM", "Clinic News <news@clinic.example>")
    return materials.letter(config.load())


class Desk:
    """A list, and what happens to it."""

    def __init__(self, store: Store, letter: Letter, now: datetime) -> None:
        self.store, self.letter, self.now = store, letter, now
        self.list_id = create_list.named(store, "news", now=now).number

    def ask(self, wish: Wish = WISH, *, client: str = "a", now: datetime | None = None) -> bool:
        when = now or self.now
        return join.ask(self.store, self.list_id, wish, letter=self.letter, client=client, key=KEY, now=when)

    def confirm(self, number: int, now: datetime | None = None) -> Confirmation:
        return join.confirm(self.store, number, erasure_keys=[ERASURE], now=now or self.now)

    def mails(self) -> list[int]:
        with self.store.reading() as session:
            return list(session.execute(sa.select(table_of(Delivery).c.id).order_by("id")).scalars())

    def state(self, email: str = "ada@example.org") -> SubscriptionState | None:
        with self.store.reading() as session:
            person = subscribers.by_email(session, email)
            return None if person is None else subscriptions.state(session, person.number, self.list_id)

    def person(self, email: str = "ada@example.org") -> Any:
        with self.store.reading() as session:
            return subscribers.by_email(session, email)

    def add(self, consent: str | None = "yes") -> None:
        subscribing.add(
            self.store, Person("ada@example.org", "Ada Old"), self.list_id, consent=consent, source="test", now=self.now
        )


@pytest.fixture
def desk(store: Store, letter: Letter, now: datetime) -> Desk:
    return Desk(store, letter, now)


def test_who_asks_gets_one_mail_and_is_on_the_list_when_they_confirm(desk: Desk) -> None:
    assert desk.ask()
    assert desk.state() is SubscriptionState.UNCONFIRMED
    (number,) = desk.mails()
    with desk.store.reading() as session:
        campaign = campaigns.by_id(session, deliveries.by_id(session, number).campaign_id)
    assert (campaign.kind, campaign.state) == (CampaignKind.NOTICE, CampaignState.SENDING)
    assert campaign.article_name == "confirm.de"
    assert join.look(desk.store, number, now=desk.now).outcome is Outcome.CONFIRMED
    assert desk.state() is SubscriptionState.UNCONFIRMED
    done = desk.confirm(number)
    assert (done.outcome, done.list_name, done.email) == (Outcome.CONFIRMED, "news", "Ada@example.org")
    assert desk.state() is SubscriptionState.CONFIRMED


def test_the_proof_holds_the_wording_of_the_form_and_tracking_is_agreed_to_apart(desk: Desk) -> None:
    desk.ask(replace(WISH, tracking_wording="Clicks with my name are fine."))
    desk.confirm(desk.mails()[0])
    person = desk.person()
    with desk.store.reading() as session:
        proofs = consents.of_person(session, person.number)
    assert [(proof["purpose"].value, proof["act"].value, proof["wording"]) for proof in proofs] == [
        ("mail", "asked", WORDING),
        ("mail", "confirmed", WORDING),
        ("tracking", "confirmed", "Clicks with my name are fine."),
    ]
    assert person.tracking_consent


def test_without_that_agreement_nobody_is_tracked(desk: Desk) -> None:
    desk.ask()
    desk.confirm(desk.mails()[0])
    assert not desk.person().tracking_consent


def test_confirming_twice_changes_nothing(desk: Desk) -> None:
    desk.ask()
    (number,) = desk.mails()
    assert desk.confirm(number).outcome is Outcome.CONFIRMED
    assert desk.confirm(number).outcome is Outcome.ALREADY
    with desk.store.reading() as session:
        assert len(consents.of_person(session, desk.person().number)) == 2


def test_a_link_works_for_seven_days_and_a_new_one_can_be_had(desk: Desk) -> None:
    desk.ask()
    (old,) = desk.mails()
    late = desk.now + timedelta(days=8)
    assert desk.confirm(old, late).outcome is Outcome.EXPIRED
    assert desk.state() is SubscriptionState.UNCONFIRMED
    assert desk.ask(now=late)
    new = desk.mails()[-1]
    assert new != old
    assert desk.confirm(new, late).outcome is Outcome.CONFIRMED


def test_a_second_mail_is_a_message_of_its_own_and_a_fourth_in_a_day_is_not_sent(desk: Desk) -> None:
    assert [desk.ask(client=str(n), now=desk.now + timedelta(minutes=n)) for n in range(5)] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert len(desk.mails()) == 3
    assert desk.ask(client="z", now=desk.now + timedelta(days=1, minutes=1))


def test_one_client_cannot_have_everybody_mailed(desk: Desk) -> None:
    asked = [desk.ask(replace(WISH, email=f"p{n}@example.org")) for n in range(25)]
    assert asked == [True] * 20 + [False] * 5
    assert desk.state("p24@example.org") is None
    assert desk.ask(replace(WISH, email="p24@example.org"), client="another")


def test_who_is_on_the_list_is_not_mailed_again(desk: Desk) -> None:
    desk.add()
    assert not desk.ask()
    assert desk.mails() == []
    assert desk.state() is SubscriptionState.CONFIRMED


def test_a_form_filled_in_by_a_stranger_changes_nothing_of_a_person(desk: Desk) -> None:
    desk.add(consent=None)
    desk.ask(replace(WISH, name="Somebody Else", language="fr"))
    person = desk.person()
    assert (person.name, person.language) == ("Ada Old", "")


def test_who_left_comes_back_by_their_own_confirmation_alone(desk: Desk) -> None:
    desk.add()
    unsubscribe.person(desk.store, desk.person().number, desk.list_id, source="test", now=desk.now)
    assert desk.ask()
    assert desk.state() is SubscriptionState.UNSUBSCRIBED
    desk.confirm(desk.mails()[-1])
    assert desk.state() is SubscriptionState.CONFIRMED


def test_who_was_erased_comes_back_by_their_own_confirmation(desk: Desk) -> None:
    desk.add()
    erase.person(desk.store, "ada@example.org", key=ERASURE, now=desk.now)
    assert desk.ask()
    assert desk.confirm(desk.mails()[-1]).outcome is Outcome.CONFIRMED
    assert desk.state() is SubscriptionState.CONFIRMED


def test_whom_the_publisher_suppressed_gets_nothing(desk: Desk) -> None:
    suppress.address(desk.store, "ada@example.org", note="a dispute", now=desk.now)
    assert not desk.ask()
    assert desk.mails() == []


def test_an_erased_person_s_link_leads_nowhere(desk: Desk) -> None:
    desk.ask()
    erase.person(desk.store, "ada@example.org", key=ERASURE, now=desk.now)
    assert desk.confirm(desk.mails()[0]).outcome is Outcome.UNKNOWN
    assert desk.state() is None


def test_a_delivery_of_a_newsletter_confirms_nothing(desk: Desk) -> None:
    number = crowd.made_campaign(desk.store, desk.now, crowd.made_list(desk.store, desk.now, 1))
    (row,) = crowd.rows_of(desk.store, number)
    assert row.id is not None
    assert desk.confirm(row.id).outcome is Outcome.UNKNOWN


def test_what_is_no_address_is_refused(desk: Desk) -> None:
    with pytest.raises(AddressError):
        desk.ask(replace(WISH, email="ada"))


def test_notices_are_not_among_the_campaigns_that_people_see(desk: Desk) -> None:
    desk.ask()
    with desk.store.reading() as session:
        assert campaigns.all(session) == []
        assert campaigns.names(session) == []


def test_withdrawing_tracking_later_is_no_contradiction(desk: Desk) -> None:
    desk.ask(replace(WISH, tracking_wording="Fine."))
    desk.confirm(desk.mails()[0])
    assert prefer.tracking(desk.store, desk.person().number, False, source="test", now=desk.now)
    assert not desk.person().tracking_consent
