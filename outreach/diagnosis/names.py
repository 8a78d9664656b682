"""Do the names of a sender lead anywhere? Where mail to us arrives (MX), and how names and addresses lead back."""

from __future__ import annotations

from ipaddress import ip_address

from outreach.diagnosis import finding
from outreach.diagnosis.finding import Finding
from outreach.diagnosis.question import Inquiry, Kind, addresses, ask
from outreach.diagnosis.spfcheck import Address

MX, NAMES = "MX", "names"


def takes_mail(domain: str, what: str) -> Inquiry[list[Finding]]:
    """Whether mail to a domain has somewhere to go (RFC 5321, 5.1; RFC 7505); `what` says what comes there."""
    answer = yield from ask(domain, Kind.MX)
    hosts = [record.partition(" ")[2] for record in answer.records]
    if not answer.exists:
        words = f"The domain {domain} does not exist: {what} cannot arrive."
        return [finding.fault(MX, "mx-no-domain", words, "Look for a misspelling, or register it.")]
    if hosts and not any(hosts):
        words = f"{domain} takes no mail (null MX): {what} cannot arrive, and receivers refuse it."
        return [finding.fault(MX, "mx-null", words, "Name another address, or a host that takes its mail.")]
    if not hosts:
        return [_without_mx(domain, what, bool((yield from addresses(domain))))]
    dead = []
    for host in filter(None, hosts):
        if not (yield from addresses(host)):
            dead.append(host)
    if not dead:
        return [finding.ok(MX, f"Mail to {domain} goes to {', '.join(filter(None, hosts))}.")]
    words = f"The mail host{'s' if len(dead) > 1 else ''} {', '.join(dead)} of {domain} has no address"
    if len(dead) == len(hosts):
        return [finding.fault(MX, "mx-dead", f"{words}: {what} cannot arrive.", "Mend the MX records.")]
    return [finding.warning(MX, "mx-dead", f"{words}.", "Mend the MX records.")]


def _without_mx(domain: str, what: str, has_address: bool) -> Finding:
    if has_address:
        words = f"{domain} has no MX record: {what} goes to the host of that name, if anything takes mail there."
        return finding.warning(MX, "mx-implicit", words, "Publish an MX record.")
    words = f"{domain} has neither an MX record nor an address: {what} cannot arrive, and receivers refuse it."
    return finding.fault(MX, "mx-missing", words, f"Publish an MX record for {domain}.")


def confirmed(ip: Address) -> Inquiry[list[Finding]]:
    """Whether an address has a name that leads back to it: Gmail and others refuse mail from one that has none."""
    answer = yield from ask(ip.reverse_pointer, Kind.PTR)
    if not answer.records:
        words = f"The sending address {ip} has no name (PTR): large receivers refuse its mail."
        remedy = "Let whoever gave you the address set it to the name that the relay greets with."
        return [finding.fault(NAMES, "address-without-name", words, remedy)]
    for name in answer.records:
        found = yield from addresses(name)
        if ip in map(ip_address, found):
            return [finding.ok(NAMES, f"The sending address {ip} is {name}, which leads back to it.")]
    words = f"The name of the sending address {ip} ({', '.join(answer.records)}) does not lead back to it."
    remedy = f"Give that name an {'A' if ip.version == 4 else 'AAAA'} record of {ip}."
    return [finding.fault(NAMES, "address-unconfirmed", words, remedy)]


def greets(name: str) -> Inquiry[list[Finding]]:
    """Whether the name that we greet relays with has an address: some refuse one that has none."""
    if (yield from addresses(name)):
        return []
    words = f"We greet relays as {name}, which has no address: some refuse that."
    return [finding.warning(NAMES, "hello-without-address", words, f"Give {name} an A record.")]


def serves(host: str) -> Inquiry[list[Finding]]:
    """Whether readers find the host of the public URL."""
    found = yield from addresses(host)
    if not found:
        words = f"{host}, where links in mail lead, has no address in the DNS."
        remedy = f"Give {host} an A or AAAA record, or mend OUTREACH_PUBLIC_URL."
        return [finding.fault(NAMES, "public-host-without-address", words, remedy)]
    if not any(ip_address(each).is_global for each in found):
        words = f"{host}, where links in mail lead, has only addresses of an inner network ({', '.join(found)})."
        return [finding.warning(NAMES, "public-host-inside", words, "Publish an address that readers reach.")]
    return [finding.ok(NAMES, f"{host} is found ({', '.join(found)}).")]
