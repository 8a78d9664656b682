"""Is there a page in the journal for what is claimed next? Opened before the claim, handed on with what it brought."""

from __future__ import annotations

from outreach.engine.journal import Journal, Page
from outreach.errors import JournalUnavailable
from outreach.store.claims import LARGEST


class Record:
    """The pages of a journal between the wish to claim and the claim that is made, or is in doubt."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._page: Page | None = None
        #: Pages of claims whose commit failed, so that nobody knows whether they were made.
        self._doubtful: list[Page] = []
        #: Why nothing may be claimed; None where there is room.
        self.trouble: JournalUnavailable | None = None

    @property
    def token(self) -> str:
        """The token of the claim that is to be made; "" where none is."""
        return self._page.token if self._page is not None else ""

    def require_room(self) -> None:
        """Raise JournalUnavailable where nothing could be written down."""
        self._journal.page(LARGEST).close()

    def open(self, limit: int) -> int:
        """How many of so many may be claimed: all, with a page for them, or none while there is no room."""
        if not limit and self.trouble is None:
            return 0
        try:
            page = self._journal.page(limit or LARGEST)
        except JournalUnavailable as error:
            self.trouble = error
            return 0
        self.trouble = None
        if limit:
            self._page = page
        else:
            page.close()
        return limit

    def doubt(self) -> None:
        """The commit failed: perhaps it did not."""
        if self._page is not None:
            self._doubtful.append(self._page)
            self._page = None

    def taken(self) -> Page | None:
        """The page of what was claimed now; earlier doubts are settled with the same commit."""
        for doubtful in self._doubtful:
            doubtful.close()
        self._doubtful.clear()
        page, self._page = self._page, None
        return page

    def close(self) -> None:
        """The sender ends."""
        self._journal.close()
