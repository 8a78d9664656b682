"""Settings come from the environment and outreach.toml, and wrong ones are refused by name."""

from __future__ import annotations

import errno
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from outreach import config
from outreach.errors import SettingsError
from outreach.timing.pace import Limit
from outreach.transport.relay import Folder, Relay, Tls


@pytest.fixture(autouse=True)
def _empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_defaults_need_nothing_but_a_folder(tmp_path: Path) -> None:
    settings = config.load()
    assert settings.database == f"sqlite:///{tmp_path / 'home' / 'outreach.db'}"
    assert settings.connections == 20
    assert settings.rate is None
    assert settings.retry_deadline == timedelta(days=2)


def test_the_environment_beats_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("outreach.toml").write_text('connections = 3\nfrom = "File <f@example.org>"\nrate = "50/s"\n')
    monkeypatch.setenv("OUTREACH_CONNECTIONS", "7")
    settings = config.load()
    assert settings.connections == 7
    assert settings.sender == "File <f@example.org>"
    assert settings.rate is not None
    assert settings.rate.spread.per_second == 50
    monkeypatch.setenv("OUTREACH_FROM", "Env <e@example.org>")
    assert config.load().sender == "Env <e@example.org>"


@pytest.mark.parametrize(
    ("variable", "value", "advice"),
    [
        ("OUTREACH_CONNECTIONS", "many", "integer"),
        ("OUTREACH_CONNECTIONS", "0", "greater than or equal to 1"),
        ("OUTREACH_RATE", "fast", "50/s"),
        ("OUTREACH_RATE", "5", "50/s"),
        ("OUTREACH_RATE", "5/s,6/s", "50/s,10000/d"),
        ("OUTREACH_DOMAIN_RATES", "google:5/s", "google=20/s"),
        ("OUTREACH_DOMAIN_RATES", "gmail.com=5/s", "write google=..."),
        ("OUTREACH_WARMUP", "50 100", "50,100,500,1000,5000"),
        ("OUTREACH_SMTP_URL", "smtp://one.example smtp://two.example?wait=3", "tls, weight, rate, connections"),
        ("OUTREACH_SMTP_URL", "smtp://one.example?weight=heavy", "a whole number from 0 to 1000"),
        ("OUTREACH_SMTP_URL", "smtp://one.example?rate=fast", "50/s"),
        ("OUTREACH_SMTP_URL", "smtp://one.example, smtp://one.example:25", "write each relay once"),
        ("OUTREACH_SMTP_URL", "smtp://one.example folder:out", "a folder stands alone"),
        ("OUTREACH_RETRY_FIRST", "soon", "30s"),
        ("OUTREACH_RETRY_DEADLINE", "2 moons", "2d"),
        ("OUTREACH_SMTP_URL", "mail.example.org", "smtp://"),
        ("OUTREACH_SMTP_URL", "smtp://user:secret-word@mail.example.org?tls=off", "verified TLS"),
        ("OUTREACH_SMTP_URL", "smtp://mail.example.org?tls=maybe", "off, opportunistic or required"),
        ("OUTREACH_PUBLIC_URL", "news.example.org", "https://"),
        ("OUTREACH_PUBLIC_URL", "https://news.example.org/?a=b", "start of links"),
        ("OUTREACH_QUOTE_URL", "javascript:alert(1)", "https://"),
        ("OUTREACH_FROM", "Clinic News", "News <news@clinic.example>"),
        ("OUTREACH_REPLY_TO", "answers@", "News <news@clinic.example>"),
        ("OUTREACH_RETURN_PATH", "Bounces <bounces@clinic.example>", "bounces@news.clinic.example"),
        ("OUTREACH_RETURN_PATH", f"{'b' * 32}@news.clinic.example", "before the @ it may have 31 characters"),
        ("OUTREACH_LEAVE_ADDRESS", f"{'l' * 32}@news.clinic.example", "before the @ it may have 31 characters"),
        ("OUTREACH_COMPLAINT_ADDRESS", "fbl", "bounces@news.clinic.example"),
        ("OUTREACH_IMAP_URL", "imaps://reports:secret-word@", "imaps://user:password@mail.clinic.example/INBOX"),
        ("OUTREACH_IMAP_URL", "imap://reports:secret-word@mail.example.org?tls=off", "verified TLS"),
        ("OUTREACH_SOFT_BOUNCES", "0", "greater than or equal to 1"),
        ("OUTREACH_TIMEZONE", "Mars/Olympus", "Europe/Berlin"),
        ("OUTREACH_SECRET_KEY", "short", "32 characters"),
        ("OUTREACH_TRUSTED_PROXIES", "everyone", "10.0.0.0/8"),
        ("OUTREACH_DKIM_DOMAIN", "localhost", "clinic.example"),
        ("OUTREACH_DKIM_DOMAIN", "news@example.org", "clinic.example"),
        ("OUTREACH_DKIM_SELECTOR", "s 1", "letters, digits"),
        ("OUTREACH_DKIM_SELECTOR", "s1._domainkey", "letters, digits"),
        ("OUTREACH_DKIM_KEYS", "s1.pem", "write each as SELECTOR=FILE"),
        ("OUTREACH_DKIM_KEYS", "s1=", "write each as SELECTOR=FILE"),
        ("OUTREACH_DKIM_KEYS", "s_1=s1.pem", "letters, digits"),
        ("OUTREACH_SMTP_URL", "folder:", "folder:outbox"),
        ("OUTREACH_GRACE", "999999999999999d", "ten years"),
        ("OUTREACH_QUOTE_URL", "https://clinic example.org/", "without spaces"),
        ("OUTREACH_QUOTE_URL", "https://clinic.example:99999/", "Port out of range"),
        ("OUTREACH_TEMPLATES", "no/such/folder", "a folder that exists"),
        ("OUTREACH_METRICS", "9100", "127.0.0.1:9100"),
        ("OUTREACH_METRICS", "127.0.0.1:99999", "127.0.0.1:9100"),
        ("OUTREACH_METRICS", "http://127.0.0.1:9100", "127.0.0.1:9100"),
        ("OUTREACH_METRICS", "::1:9100", "[::1]:9100"),
        ("OUTREACH_LOG", "xml", "'text' or 'json'"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_what_would_be_right(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, advice: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as refusal:
        config.load()
    assert refusal.value.message.startswith(variable)
    assert advice in refusal.value.message
    assert "secret-word" not in refusal.value.message


@pytest.mark.parametrize("lacking", ["OUTREACH_DKIM_DOMAIN", "OUTREACH_DKIM_SELECTOR", "OUTREACH_DKIM_KEY"])
def test_a_signature_needs_all_of_its_settings_or_none(monkeypatch: pytest.MonkeyPatch, lacking: str) -> None:
    monkeypatch.setenv("OUTREACH_DKIM_DOMAIN", "Bücher.example")
    monkeypatch.setenv("OUTREACH_DKIM_SELECTOR", "s2026.eu")
    monkeypatch.setenv("OUTREACH_DKIM_KEY", "dkim.pem")
    settings = config.load()
    assert (settings.dkim_domain, settings.dkim_key) == ("xn--bcher-kva.example", Path("dkim.pem"))
    monkeypatch.delenv(lacking)
    with pytest.raises(SettingsError, match=rf"for each key its selector and its file; missing: {lacking}\."):
        config.load()


def test_several_keys_stand_in_one_setting_or_after_the_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_DKIM_DOMAIN", "clinic.example")
    monkeypatch.setenv("OUTREACH_DKIM_KEYS", "s2=two.pem, e2 = /keys/e,")
    listed = (("s2", Path("two.pem")), ("e2", Path("/keys/e")))
    assert config.load().dkim == listed
    assert config.load(dkim_keys={"s2": "two.pem", "e2": "/keys/e"}).dkim == listed
    monkeypatch.setenv("OUTREACH_DKIM_SELECTOR", "s1")
    monkeypatch.setenv("OUTREACH_DKIM_KEY", "one.pem")
    assert config.load().dkim == (("s1", Path("one.pem")), *listed)
    monkeypatch.setenv("OUTREACH_DKIM_SELECTOR", "e2")
    with pytest.raises(SettingsError, match="a selector of its own"):
        config.load()
    monkeypatch.delenv("OUTREACH_DKIM_SELECTOR")
    monkeypatch.delenv("OUTREACH_DKIM_KEY")
    monkeypatch.delenv("OUTREACH_DKIM_DOMAIN")
    with pytest.raises(SettingsError, match="missing: OUTREACH_DKIM_DOMAIN"):
        config.load()


def test_every_wrong_setting_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_RATE", "fast")
    monkeypatch.setenv("OUTREACH_CONNECTIONS", "many")
    with pytest.raises(SettingsError) as refusal:
        config.load()
    assert {line.split()[0] for line in refusal.value.message.splitlines()} == {
        "OUTREACH_RATE",
        "OUTREACH_CONNECTIONS",
    }


def test_a_misspelt_key_of_the_file_suggests_the_right_one() -> None:
    Path("outreach.toml").write_text('postal_adress = "x"\n')
    with pytest.raises(SettingsError, match="did you mean 'postal_address'"):
        config.load()


def test_a_broken_file_is_one_clear_refusal() -> None:
    Path("outreach.toml").write_text("rate = \n")
    with pytest.raises(SettingsError, match=r"outreach\.toml cannot be read"):
        config.load()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("rate = 5", "OUTREACH_RATE is 5: '5' is not a rate; write messages per unit of time, such as 50/s"),
        ("retry_first = 30", "OUTREACH_RETRY_FIRST is 30: '30' is not a duration; write a number and a unit"),
        ("trusted_proxies = 5", "write networks such as 10.0.0.0/8"),
        ('smtp_url = "mail.example.org"', "OUTREACH_SMTP_URL: it must begin with smtp://"),
    ],
)
def test_a_value_of_another_kind_in_the_file_is_refused_as_clearly(line: str, told: str) -> None:
    Path("outreach.toml").write_text(line + "\n")
    with pytest.raises(SettingsError) as refusal:
        config.load()
    assert told in refusal.value.message


def test_a_file_that_may_not_be_read_is_one_clear_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "outreach.toml")

    Path("outreach.toml").write_text("connections = 3\n")
    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(SettingsError, match=r"outreach\.toml cannot be read: Permission denied"):
        config.load()


def test_a_misspelt_variable_is_noticed() -> None:
    assert config.unknown_variables({"OUTREACH_SMPT_URL": "x", "OUTREACH_FROM": "y", "PATH": "z"}) == [
        "OUTREACH_SMPT_URL"
    ]


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in config.Settings.model_fields.items() if not field.description] == []


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_SMTP_URL", "smtps://user:hidden-word@mail.example.org")
    monkeypatch.setenv("OUTREACH_SECRET_KEY", "k" * 40)
    settings = config.load()
    assert "hidden-word" not in repr(settings) + repr(settings.ways_out)
    assert "kkkk" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://localhost:2525", Relay("localhost", 2525, Tls.OPPORTUNISTIC)),
        ("smtp://mail.example.org", Relay("mail.example.org", 25, Tls.OPPORTUNISTIC)),
        ("smtp://u:p%40ss@mail.example.org", Relay("mail.example.org", 587, Tls.REQUIRED, "u", "p@ss")),
        ("smtps://u:p@mail.example.org", Relay("mail.example.org", 465, Tls.IMPLICIT, "u", "p")),
        ("smtp://u:p@127.0.0.1:2525?tls=off", Relay("127.0.0.1", 2525, Tls.OFF, "u", "p")),
        ("folder:out/box", Folder(Path("out/box"))),
        ("folder:///tmp/out", Folder(Path("/tmp/out"))),
    ],
)
def test_the_ways_out_is_read_from_its_url(monkeypatch: pytest.MonkeyPatch, url: str, expected: Relay | Folder) -> None:
    monkeypatch.setenv("OUTREACH_SMTP_URL", url)
    assert config.load().ways_out == (expected if isinstance(expected, Folder) else (expected,))


def test_several_relays_are_read_with_their_options(monkeypatch: pytest.MonkeyPatch) -> None:
    one = "smtp://u:a,b@one.example?weight=3&rate=50/s,10000/d&tls=required"
    monkeypatch.setenv("OUTREACH_SMTP_URL", f"{one}, smtps://two.example?connections=5\n smtp://[::1]:2525?weight=0")
    assert config.load().ways_out == (
        Relay("one.example", 587, Tls.REQUIRED, "u", "a,b", 3, Limit.parse("50/s,10000/d")),
        Relay("two.example", 465, Tls.IMPLICIT, connections=5),
        Relay("::1", 2525, Tls.OPPORTUNISTIC, weight=0),
    )


def test_limits_are_read_from_the_environment_and_from_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("outreach.toml").write_text(
        'rate = "50/s,10000/d"\nwarmup = "5,10"\n[domain_rates]\ngoogle = "5/s"\n"*" = "2/s"\n'
    )
    limits = config.load().limits
    assert str(limits.total) == "50/s,10000/d"
    assert str(limits.warm_up) == "5,10"
    assert {name: str(limit) for name, limit in limits.providers.items()} == {"google": "5/s", "*": "2/s"}
    monkeypatch.setenv("OUTREACH_DOMAIN_RATES", "microsoft=1/s")
    monkeypatch.setenv("OUTREACH_TIMEZONE", "Europe/Berlin")
    assert set(config.load().limits.providers) == {"microsoft"}
    assert str(config.load().limits.zone) == "Europe/Berlin"


def test_ones_own_templates_come_before_the_shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OUTREACH_TEMPLATES", str(tmp_path))
    first, second = config.load().template_folders("email")
    assert first == tmp_path / "email"
    assert second.is_dir()


def test_the_proxies_that_are_trusted_can_be_named_in_the_environment_and_in_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("outreach.toml").write_text('trusted_proxies = ["10.0.0.0/8"]\n')
    assert config.load().trusted_proxies == (ip_network("10.0.0.0/8"),)
    monkeypatch.setenv("OUTREACH_TRUSTED_PROXIES", "127.0.0.1/32, ::1")
    assert config.load().trusted_proxies == (ip_network("127.0.0.1/32"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:9100", ("127.0.0.1", 9100)),
        ("[::1]:0", ("::1", 0)),
        ("metrics.internal:80", ("metrics.internal", 80)),
    ],
)
def test_the_address_of_the_metrics_is_a_host_and_a_port(
    monkeypatch: pytest.MonkeyPatch, text: str, place: tuple[str, int]
) -> None:
    assert config.load().metrics is None
    monkeypatch.setenv("OUTREACH_METRICS", text)
    assert config.load().metrics == place


def test_passwords_are_known_as_they_are_written_and_as_they_are_meant() -> None:
    settings = config.load(
        smtp_url="smtps://user:p%40ss@mail.example",
        database_url="postgresql+psycopg://user:word@db.example/outreach",
        imap_url="imaps://user:se%2Fcret@mail.example",
    )
    assert settings.passwords == {"p%40ss", "p@ss", "word", "se%2Fcret", "se/cret"}
    assert config.load().passwords == frozenset()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("9.9.9.9", ("9.9.9.9", 53)),
        ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("2620:fe::fe", ("2620:fe::fe", 53)),
        ("[2620:fe::fe]", ("2620:fe::fe", 53)),
        ("[::1]:5353", ("::1", 5353)),
    ],
)
def test_the_resolver_is_an_address_and_perhaps_a_port(
    monkeypatch: pytest.MonkeyPatch, text: str, place: tuple[str, int]
) -> None:
    assert config.load().resolver is None
    monkeypatch.setenv("OUTREACH_RESOLVER", text)
    assert config.load().resolver == place


@pytest.mark.parametrize("text", ["dns.example.org", "9.9.9.9:0", "9.9.9.9:70000", "9.9.9", "dns.example.org:53"])
def test_a_resolver_that_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("OUTREACH_RESOLVER", text)
    with pytest.raises(SettingsError, match="it must be an IP address"):
        config.load()


def test_sending_addresses_are_of_both_families(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_SENDING_ADDRESSES", "192.0.2.25, 2001:db8::25")
    assert [str(each) for each in config.load().sending_addresses] == ["192.0.2.25", "2001:db8::25"]
    monkeypatch.setenv("OUTREACH_SENDING_ADDRESSES", "192.0.2.0/24")
    with pytest.raises(SettingsError, match="write addresses such as"):
        config.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SES_TOPIC", "bounces"),
        ("SES_TOPIC", "arn:aws:sqs:eu-west-1:123456789012:bounces"),
        ("SENDGRID_KEY", "no key"),
        ("POSTMARK_SECRET", "short"),
    ],
)
def test_a_webhooks_setting_that_cannot_be_right_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"OUTREACH_WEBHOOK_{name}", value)
    with pytest.raises(SettingsError) as refused:
        config.load()
    assert f"OUTREACH_WEBHOOK_{name}" in str(refused.value)
    assert name != "POSTMARK_SECRET" or "is 'short'" not in str(refused.value)


def test_the_secrets_of_webhooks_are_known_as_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_WEBHOOK_MAILGUN_KEY", "the key of an account")
    monkeypatch.setenv("OUTREACH_WEBHOOK_POSTMARK_SECRET", "a password of twenty characters")
    found = config.load()
    assert {"the key of an account", "a password of twenty characters"} <= found.passwords
    assert found.hooks == ("mailgun", "postmark")
