"""What does a spam filter say of a mail? Its answer, read and judged."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from outreach.diagnosis import finding
from outreach.diagnosis.finding import Finding

PART = "spam"

#: From this share of what makes spam on, a careful sender mends the mail.
NEAR = 0.5

_STATUS = re.compile(
    r"^X-Spam-Status: *(?:Yes|No), *score=(?P<score>-?[0-9.]+) +required=(?P<required>[0-9.]+)"
    r"(?: +tests=(?P<tests>[A-Z0-9_,\s]*?))?(?= +[a-z_]+=|$)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Score:
    """What one filter counted."""

    filter: str
    score: float
    #: From here on it is spam.
    required: float
    #: The rules that matched, those that cost most first where that is known.
    symbols: tuple[str, ...] = ()


def of_spamassassin(output: str) -> Score:
    """From the message that `spamassassin` gives back; raises ValueError where it says nothing of a score."""
    head = re.sub(r"\r?\n[ \t]+", " ", re.split(r"\r?\n\r?\n", output, maxsplit=1)[0])
    found = _STATUS.search(head)
    if found is None:
        raise ValueError("it says nothing of a score")
    symbols = [each for each in re.split(r"[,\s]+", found["tests"] or "") if each and each != "none"]
    return Score("SpamAssassin", float(found["score"]), float(found["required"]), tuple(symbols))


def of_rspamd(output: str) -> Score:
    """From the JSON of `rspamc`, which names rules that cost nothing too; raises ValueError where it has no score."""
    try:
        said = json.loads(output)
        symbols = sorted(said.get("symbols", {}).values(), key=lambda each: -float(each.get("score", 0)))
        names = tuple(str(each["name"]) for each in symbols if float(each.get("score", 0)) > 0)
        return Score("rspamd", float(said["score"]), float(said["required_score"]), names)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("it says nothing of a score") from error


def judge(score: Score) -> Finding:
    """Whether the mail would be taken for spam, or nearly."""
    rules = ", ".join(score.symbols) or "no rule that costs anything"
    words = f"{score.filter} gives {score.score + 0:g} of {score.required:g} points ({rules})."
    if score.score >= score.required:
        return finding.fault(PART, "spam", words, "Its rules tell what to mend: look them up by name.")
    if score.score >= score.required * NEAR:
        return finding.warning(PART, "spam-near", words, "Its rules tell what to mend: look them up by name.")
    return finding.ok(PART, words)
