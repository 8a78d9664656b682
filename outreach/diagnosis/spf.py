"""Is a domain's SPF record what its mail needs? Findings over what receivers conclude (`spfcheck`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from outreach.diagnosis import finding, spfcheck
from outreach.diagnosis.finding import Finding
from outreach.diagnosis.question import Inquiry
from outreach.diagnosis.spfcheck import MOST_LOOKUPS, Address, Result, Verdict
from outreach.diagnosis.spfrecord import Spf

PART = "SPF"


def of_return_path(
    domain: str, known: Sequence[Address] = (), *, sender: str = "", hello: str = ""
) -> Inquiry[list[Finding]]:
    """Whether the return path's domain lets our addresses send; where none is known, whether its record is sound."""
    verdict = yield from spfcheck.check(domain, None, sender=sender, hello=hello)
    if verdict.record is None:
        return [_wrong(domain, verdict)]
    found = [*_end(domain, verdict), *_discouraged(domain, verdict.record)]
    for ip in known:
        each = yield from spfcheck.check(domain, ip, sender=sender, hello=hello)
        if each.result is not Result.PASS:
            found.append(_refused(domain, ip, each))
    if found:
        return found
    words = f"The record of {domain} is sound ({verdict.lookups} of {MOST_LOOKUPS} lookups)"
    if known:
        return [finding.ok(PART, f"{words} and allows {', '.join(map(str, known))}.")]
    return [
        finding.ok(PART, f"{words}.", "Where the relay is yours, set OUTREACH_SENDING_ADDRESSES to check them too.")
    ]


def of_sender(domain: str) -> Inquiry[list[Finding]]:
    """Whether From's domain has a sound record or none; receivers look at the return path's, and at this one beside."""
    verdict = yield from spfcheck.check(domain, None)
    if verdict.result is Result.NONE:
        return []
    return [_wrong(domain, verdict)] if verdict.record is None else _discouraged(domain, verdict.record)


_REMEDIES = {
    "spf-missing": 'Publish at {domain}: TXT "v=spf1 ip4:ADDRESS-OF-YOUR-RELAY -all", or what your relay tells you.',
    "spf-several": "Join them into one record.",
    "spf-lookups": "Name networks (ip4:, ip6:) instead of include, a and mx, and drop what no longer sends.",
    "spf-void-lookups": "Take out the names that do not exist.",
    "spf-include": "Take the term out, or mend the name in it.",
}


def _wrong(domain: str, verdict: Verdict) -> Finding:
    words = verdict.why[:1].upper() + verdict.why[1:]
    if domain not in verdict.why:
        words = f"The SPF record of {domain} fails: {verdict.why}"
    remedy = _REMEDIES.get(verdict.code, "Mend the record: receivers pass over one that is wrong anywhere.")
    return finding.fault(PART, verdict.code, f"{words}.", remedy.format(domain=domain))


def _end(domain: str, verdict: Verdict) -> Iterator[Finding]:
    """A record that refuses nobody says nothing (5.1); what `redirect` leads to decides for it."""
    if verdict.result is Result.PASS:
        words = f"The SPF record of {domain} lets everybody send ({verdict.why})."
        yield finding.fault(PART, "spf-open-end", words, "End it in -all or ~all.")
    elif verdict.result is Result.NEUTRAL:
        words = f"The SPF record of {domain} refuses nobody ({verdict.why})."
        yield finding.warning(PART, "spf-open-end", words, "End it in -all or ~all.")


def _discouraged(domain: str, record: Spf) -> list[Finding]:
    names = [each.name for each in record.mechanisms]
    if "ptr" in names:
        words = f"The SPF record of {domain} uses ptr, which receivers may pass over (RFC 7208, 5.5)."
        return [finding.warning(PART, "spf-ptr", words, "Name the networks instead (ip4:, ip6:).")]
    if "all" in names[:-1]:
        words = f"What stands behind 'all' in the SPF record of {domain} is never looked at."
        return [finding.warning(PART, "spf-behind-all", words, "Put all at the end.")]
    return []


def _refused(domain: str, ip: Address, verdict: Verdict) -> Finding:
    family = f"ip{ip.version}"
    words = f"The SPF record of {domain} does not allow {ip}: {verdict.result} ({verdict.why})."
    return finding.fault(PART, "spf-refuses", words, f"Add {family}:{ip} to it, or the include that your relay names.")
