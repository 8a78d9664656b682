"""The main job, as a marketer does it: list in, campaign out, every delivery accounted for, the quote click counted."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import httpx
from prometheus_client.parser import text_string_to_metric_families

from outreach import config
from tests.conftest import free_port
from tests.journeys.machine import Host, Inbox, Running, until

SAMPLE = config.shipped("subscribers") / "sample.csv"
CONSENT = "I would like to receive the newsletter."
CAR_T = "car-t-cell-therapy"
QUOTE = "https://quote.example.org/start?source=mail&lang=en"
#: What a common browser says of itself.
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html",
}


def imported(host: Host) -> int:
    """The sample list, imported; how many people are on it."""
    told = host.document("subscriber", "import", str(SAMPLE), "--list", "sample", "--consent", CONSENT)
    assert (told["rejected"], told["added"]) == ([], told["read"])
    return int(told["added"])


def quote_link(mail: EmailMessage) -> str:
    """Where the quote button of a mail leads."""
    part = mail.get_body(("html",))
    assert part is not None
    found = re.search(r'href="([^"]+)"[^>]*>\s*Receive a Free Medical Quote', part.get_content())
    assert found
    return found[1].replace("&amp;", "&")


def test_a_list_is_imported_and_a_campaign_sent_in_one_process(host: Host, inbox: Inbox) -> None:
    people = imported(host)
    host.outreach("campaign", "create", CAR_T, "--list", "sample")
    status = host.document("campaign", "send", CAR_T, "--wait")
    assert (status["state"], status["audience"], status["sent"]) == ("finished", people, people)
    assert len(set(inbox.recipients)) == len(inbox.recipients) == people
    assert host.document("campaign", "status", CAR_T) == status
    mail = inbox.mails[0]
    assert mail["From"] == "Clinic News <news@clinic.example.org>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_scheduled_campaign_is_sent_and_its_quote_click_counted(host: Host, inbox: Inbox) -> None:
    people = imported(host)
    host.outreach("campaign", "create", CAR_T, "--list", "sample")
    port = host.environment["OUTREACH_PUBLIC_URL"].rpartition(":")[2]
    host.environment |= {"OUTREACH_METRICS": "127.0.0.1:0", "OUTREACH_LOG": "json"}
    running = host.start("run", "--port", port)
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
    host.outreach("campaign", "schedule", CAR_T, "--at", f"{at:%Y-%m-%d %H:%M:%S}", "--timezone", "UTC")
    until(lambda: host.state(CAR_T) == "finished", "it is finished")
    assert len(inbox.mails) == people
    link = quote_link(inbox.mails[0])
    assert link.startswith(f"{host.environment['OUTREACH_PUBLIC_URL']}/l/")
    accepted = datetime.now(UTC)
    # A click within two seconds of the relay's acceptance is a suspect one.
    until(lambda: datetime.now(UTC) > accepted + timedelta(seconds=2.5), "a reader has read for a moment")
    answer = httpx.get(link, headers=BROWSER, trust_env=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, QUOTE)
    report = host.document("campaign", "report", CAR_T)
    assert (report["sent"], report["quote"]["human"], report["quote"]["people"]) == (people, 1, 1)
    told = measured(running)
    assert told["outreach_messages_total", "sent"] == told["outreach_replies_total", "2xx body"] == people
    assert told["outreach_deliveries", "finished sent"] == people
    assert (told["outreach_launches_total", ""], told["outreach_hits_total", "human"]) == (1, 1)
    assert {part for name, part in told if name == "outreach_part_up"} == {"clock", "sender-1", "metrics"}
    for path in ("healthz", "readyz"):
        assert httpx.get(f"{host.environment['OUTREACH_PUBLIC_URL']}/{path}", trust_env=False).status_code == 200
    assert httpx.get(f"{host.environment['OUTREACH_PUBLIC_URL']}/metrics", trust_env=False).status_code == 404
    assert running.stop() == 0
    events = [json.loads(line)["event"] for line in running.log.splitlines()]
    assert events == ["metrics_served", "clock_leads", "retention_done", "campaign_launched", "campaign_finished"]


def measured(running: Running) -> dict[tuple[str, str], float]:
    """What a scrape gives: name and values of the labels -> value."""
    (served,) = [line for line in running.log.splitlines() if "metrics_served" in line]
    text = httpx.get(json.loads(served)["url"], trust_env=False).text
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    return {(each.name, " ".join(each.labels.values())): each.value for each in samples}


def test_a_sender_alone_tells_its_health_and_its_metrics(small_host: Host, inbox: Inbox) -> None:
    small_host.environment |= {"OUTREACH_METRICS": "127.0.0.1:0", "OUTREACH_LOG": "json"}
    running = small_host.start("sender")
    assert measured(running)["outreach_part_up", "sender-1"] == 1
    (served,) = running.log.splitlines()
    url = json.loads(served)["url"]
    assert httpx.get(url.replace("/metrics", "/healthz"), trust_env=False).text == "ok\n"
    assert httpx.get(url.replace("/metrics", "/readyz"), trust_env=False).json()["ready"] is True
    assert running.stop() == 0


def test_who_unsubscribes_by_one_click_is_left_out_of_the_next_campaign(host: Host, inbox: Inbox) -> None:
    people = imported(host)
    host.outreach("campaign", "create", CAR_T, "--list", "sample", "--name", "first")
    host.outreach("campaign", "send", "first", "--wait")
    port = host.environment["OUTREACH_PUBLIC_URL"].rpartition(":")[2]
    host.start("web", "--port", port)
    found = re.search(r"<(https?://[^>]+)>", str(inbox.mails[0]["List-Unsubscribe"]))
    assert found
    answer = httpx.post(found[1], data={"List-Unsubscribe": "One-Click"}, trust_env=False)
    assert answer.status_code == 200
    host.outreach("campaign", "create", CAR_T, "--list", "sample", "--name", "second")
    status = host.document("campaign", "send", "second", "--wait")
    assert (status["audience"], status["sent"], status["excluded"]) == (people, people - 1, 1)
    assert host.document("campaign", "report", "second")["excluded_by"] == {"unsubscribed": 1}


def test_a_deferred_message_is_told_and_tried_again(host: Host, inbox: Inbox) -> None:
    people = imported(host)
    address = SAMPLE.read_text(encoding="utf-8-sig").splitlines()[1].split(",")[0]
    inbox.replies = {address.lower(): ["451 4.7.1 come back later"]}
    host.environment["OUTREACH_RETRY_FIRST"] = "5s"
    host.outreach("campaign", "create", CAR_T, "--list", "sample")
    sent = host.outreach("campaign", "send", CAR_T, "--wait", "--json")
    assert json.loads(sent.stdout)["deferred"] == 1
    assert "1 are deferred" in sent.stderr
    host.start("sender")
    host.start("clock")
    until(lambda: host.state(CAR_T) == "finished", "the retry has come through")
    assert sorted(inbox.recipients).count(address) == 1
    assert len(inbox.recipients) == people


def test_an_unreachable_relay_is_one_clear_sentence_and_loses_nothing(host: Host, inbox: Inbox) -> None:
    people = imported(host)
    host.outreach("campaign", "create", CAR_T, "--list", "sample")
    away = {"OUTREACH_SMTP_URL": f"smtp://127.0.0.1:{free_port()}"}
    refused = host.outreach("campaign", "send", CAR_T, "--wait", code=1, **away)
    assert refused.stderr.count("Error:") == 1
    status = host.document("campaign", "status", CAR_T)
    assert (status["state"], status["queued"]) == ("sending", people)
    assert host.document("campaign", "send", CAR_T, "--wait")["sent"] == people
    assert len(set(inbox.recipients)) == len(inbox.recipients) == people


def test_a_sending_process_that_is_told_to_end_gives_back_what_it_holds(small_host: Host, inbox: Inbox) -> None:
    people = imported(small_host)
    small_host.outreach("campaign", "create", CAR_T, "--list", "sample")
    with subprocess.Popen(
        [sys.executable, "-m", "outreach", "campaign", "send", CAR_T, "--wait"],
        env={**small_host.environment, "OUTREACH_RATE": "4/s"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until(lambda: inbox.mails, "the first mail")
        process.terminate()
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Nothing is lost" in told
    status = small_host.document("campaign", "status", CAR_T)
    assert (status["claimed"], status["unknown"]) == (0, 0)
    assert status["sent"] + status["queued"] == people
    assert status["sent"] == len(inbox.mails) < people
