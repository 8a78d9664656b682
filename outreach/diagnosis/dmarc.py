"""Does our mail pass DMARC? The record that holds for From, and whether signature or return path align (RFC 9989)."""

from __future__ import annotations

from outreach.diagnosis import dmarcrecord, finding
from outreach.diagnosis.dmarcrecord import Dmarc, Policy, Step
from outreach.diagnosis.finding import Finding
from outreach.diagnosis.question import Inquiry

PART = "DMARC"


def of_sender(sender: str, *, return_path: str, signer: str | None) -> Inquiry[list[Finding]]:
    """Whether From's domain has a policy, and whether what we sign for, and where failures go, belong to it.

    `signer` is the domain that we sign for; None where only the relay may sign, for whom we do not know.
    """
    steps = yield from dmarcrecord.walk(sender)
    broken = [_broken(step) for step in steps if step.record is None]
    holds = dmarcrecord.holding(sender, steps)
    if holds is None or holds.record is None:
        return broken or [_missing(sender)]
    organisation = dmarcrecord.organisation(sender, steps)
    by_signature = signer is not None and (
        yield from _aligned(signer, sender, organisation, strict=holds.record.strict_dkim)
    )
    by_path = yield from _aligned(return_path, sender, organisation, strict=holds.record.strict_spf)
    told = _alignment(sender, return_path, signer, by_signature=by_signature, by_path=by_path)
    return [*broken, _policy(sender, holds, holds.record), told]


def _aligned(other: str, sender: str, organisation: str, *, strict: bool) -> Inquiry[bool]:
    """Whether a domain counts as From's: the same one, or, where that is enough, one of the same organisation."""
    if other == sender or strict:
        return other == sender
    steps = yield from dmarcrecord.walk(other)
    return dmarcrecord.organisation(other, steps) == organisation


def _missing(sender: str) -> Finding:
    words = f"There is no DMARC record at _dmarc.{sender} or above: large receivers want one of whoever sends much."
    remedy = f'Publish at _dmarc.{sender}: TXT "v=DMARC1; p=none; rua=mailto:ADDRESS", and read what comes.'
    return finding.fault(PART, "dmarc-missing", words, remedy)


def _broken(step: Step) -> Finding:
    code = "dmarc-several" if step.count > 1 else "dmarc-syntax"
    words = f"The DMARC record at _dmarc.{step.name} is passed over by receivers: {step.fault}."
    return finding.fault(PART, code, words, "Leave one record there, such as v=DMARC1; p=none; rua=mailto:ADDRESS")


def _policy(sender: str, step: Step, record: Dmarc) -> Finding:
    own = step.name == sender
    policy = record.policy if own or record.below is None else record.below
    words = f"The policy for {sender} is p={policy}, published at _dmarc.{step.name}."
    if policy is not Policy.NONE and record.testing:
        return finding.ok(PART, words, "t=y says that it is only being tested: take it out when reports look right.")
    if policy is Policy.NONE:
        remedy = "When reports show that all of your mail passes, p=quarantine keeps others from using your name."
        return finding.ok(PART, words, remedy)
    return finding.ok(PART, words)


def _alignment(sender: str, return_path: str, signer: str | None, *, by_signature: bool, by_path: bool) -> Finding:
    if by_signature:
        also = ", and so does the return path" if by_path else ""
        return finding.ok(PART, f"The signature of {signer} counts for {sender}{also}.")
    if by_path:
        words = f"Only the return path ({return_path}) counts for {sender}: mail that somebody passes on fails DMARC."
        remedy = f"Sign for {sender} too (DKIM)" + (", or let the relay do it." if signer is None else ".")
        return finding.warning(PART, "dmarc-by-return-path-only", words, remedy)
    if signer is None:
        words = f"Mail leaves here unsigned, and the return path ({return_path}) does not count for {sender}."
        remedy = f"Unless the relay signs for {sender}, sign with a key of it, or bring the return path under it."
        return finding.warning(PART, "dmarc-unaligned", words, remedy)
    words = f"Neither the signature of {signer} nor the return path at {return_path} counts for {sender}: DMARC fails."
    return finding.fault(PART, "dmarc-unaligned", words, f"Sign for {sender}, with a key in its DNS.")
