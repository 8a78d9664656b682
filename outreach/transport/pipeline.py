"""How do messages leave one after another on one connection? A state machine that replies drive (RFC 5321, RFC 2920).

With PIPELINING the body of one message and the envelope of the next leave in one piece, so a message costs one round
trip; without it every command waits for its answer, by the same code. The rules that keep the books true:

- a body starts only after 354, and only with the word of `begin`;
- 354 after a recipient was refused: the connection is closed. A bare dot would send an empty message;
- after a refusal RSET goes ahead of the next MAIL;
- 421 ends the connection, whatever it answers;
- a body that began and got no answer is reported with stage BODY: nobody knows, and nobody guesses.
"""

from __future__ import annotations

import asyncio
from collections import deque

from outreach.replies.smtp import Reply, Stage
from outreach.transport import envelope
from outreach.transport.base import Begin, Outcome, Outgoing, Report, Source
from outreach.transport.handshake import Abilities, Timeouts
from outreach.transport.wire import Wire

#: RSET has no stage of a message: nothing depends on its answer but the order of the others.
_RSET = Stage.LOCAL


class Pipeline:
    """The messages of one connection, from its handshake to its end."""

    def __init__(
        self,
        wire: Wire,
        abilities: Abilities,
        source: Source,
        begin: Begin,
        report: Report,
        *,
        timeouts: Timeouts,
        most: int,
        relay: str = "",
    ) -> None:
        self._wire = wire
        self._abilities = abilities
        self._source = source
        self._begin = begin
        self._report = report
        self._seconds = {
            _RSET: timeouts.command,
            Stage.MAIL: timeouts.mail,
            Stage.RCPT: timeouts.rcpt,
            Stage.DATA: timeouts.data,
            Stage.BODY: timeouts.body,
        }
        self._quit_seconds = timeouts.quit
        self._relay = relay
        #: How many messages may still be taken.
        self._left = most
        #: The steps whose answers are still to come, in their order.
        self._awaited: deque[Stage] = deque()
        #: Commands that wait for the answer to the one before; empty with PIPELINING.
        self._unsaid: deque[tuple[Stage, bytes]] = deque()
        #: The message whose body has left.
        self._body: Outgoing | None = None
        #: The message whose envelope is open, and its refusal so far.
        self._envelope: Outgoing | None = None
        self._refusal: tuple[Reply, Stage] | None = None
        self._unclean = False
        self._over = False
        self._parting = False
        self._rest = asyncio.Event()
        self._error: Exception | None = None
        #: What went wrong with the connection; None while nothing did.
        self.fault: str | None = None
        wire.listener = self

    async def run(self, first: Outgoing, *, idle: float) -> None:
        """Send this message and what the source hands out, until it has nothing for `idle` seconds or the end comes.

        Every message taken is reported, also when cancelled.
        """
        try:
            self._accept(first)
            await self._rest.wait()
            while await self._more(idle):
                self._proceed()
                await self._rest.wait()
            await self._part()
        finally:
            self._end("the sender stopped", None)
        if self._error is not None:
            raise self._error

    # -- what the wire tells

    def heard(self, reply: Reply) -> None:
        """A reply has arrived."""
        if self._over:
            return
        try:
            self._understand(reply)
        except Exception as error:  # begin and report are not ours: what they raise ends the run, not the event loop
            self._error = error
            self._end("the sender failed", str(error))

    def lost(self, words: str) -> None:
        """The connection has ended."""
        self._end(words, words)

    # -- the machine

    def _understand(self, reply: Reply) -> None:
        if self._parting:
            return
        if not self._awaited:
            self._end(str(reply), str(reply))
            return
        stage = self._awaited.popleft()
        if stage is Stage.BODY:
            self._body_answered(reply)
        elif stage is Stage.DATA and reply.code == 354:
            self._invited()
        else:
            self._answered(reply, stage)
        if self._over:
            return
        if self._awaited:
            self._wire.expect(self._seconds[self._awaited[0]])
        elif self._unsaid:
            self._say(b"")
        elif self._envelope is None:
            self._proceed()

    def _body_answered(self, reply: Reply) -> None:
        body, self._body = self._body, None
        assert body is not None
        if reply.code >= 300 and not (reply.is_transient or reply.is_permanent):
            self._body = body
            self._end(f"the server answered a message with {reply}", str(reply))
            return
        self._tell(body, reply, Stage.BODY)
        if reply.closes:
            self._end(str(reply), str(reply))

    def _invited(self) -> None:
        """354: the server waits for a body."""
        outgoing = self._envelope
        assert outgoing is not None
        if self._refusal is not None:
            self._end("the server refused the envelope and asked for the body", str(self._refusal[0]))
        elif not self._begin(outgoing):
            self._end("held back", None)
        else:
            self._envelope, self._body = None, outgoing
            self._awaited.append(Stage.BODY)
            following = self._take() if self._abilities.pipelining else None
            self._say(envelope.body(outgoing, b"" if following is None else self._opening(following)))

    def _answered(self, reply: Reply, stage: Stage) -> None:
        if reply.is_positive and stage is not Stage.DATA:
            return
        if stage is not _RSET and (reply.is_transient or reply.is_permanent):
            self._refusal = self._refusal or (reply, stage)
            if reply.closes or (reply.code == 530 and stage is Stage.MAIL):
                self._end(str(reply), str(reply))
            elif not self._awaited:
                self._refused()
        else:
            self._end(f"the server answered {stage.upper()} with {reply}", str(reply))

    def _refused(self) -> None:
        """The envelope was refused and every answer to it is in."""
        outgoing, refusal = self._envelope, self._refusal
        assert outgoing is not None
        assert refusal is not None
        self._envelope = self._refusal = None
        self._unsaid.clear()
        self._unclean = True
        if refusal[0].enhanced == "4.5.3":
            # It has counted enough of us on this connection, which is no fault of the address.
            self._left = 0
        self._tell(outgoing, *refusal)

    def _proceed(self) -> None:
        following = self._take()
        if following is None:
            self._wire.expect(None)
            self._rest.set()
        else:
            self._rest.clear()
            self._say(self._opening(following))

    def _accept(self, outgoing: Outgoing) -> None:
        self._left -= 1
        refusal = envelope.refusal(outgoing, self._abilities)
        if refusal is None:
            self._say(self._opening(outgoing))
        else:
            self._tell(outgoing, refusal, Stage.LOCAL)
            self._proceed()

    def _take(self) -> Outgoing | None:
        while self._left > 0 and (outgoing := self._source.take()) is not None:
            self._left -= 1
            refusal = envelope.refusal(outgoing, self._abilities)
            if refusal is None:
                return outgoing
            self._tell(outgoing, refusal, Stage.LOCAL)
        return None

    def _opening(self, outgoing: Outgoing) -> bytes:
        """The bytes that open a transaction: the whole envelope with PIPELINING, else its first command."""
        self._envelope = outgoing
        mail, rcpt = envelope.mail(outgoing, self._abilities), envelope.rcpt(outgoing)
        unclean, self._unclean = self._unclean, False
        if self._abilities.pipelining:
            if unclean:
                self._awaited.append(_RSET)
            self._awaited.extend((Stage.MAIL, Stage.RCPT, Stage.DATA))
            return f"{'RSET' + chr(13) + chr(10) if unclean else ''}{mail}{rcpt}DATA\r\n".encode()
        if unclean:
            self._unsaid.append((_RSET, b"RSET\r\n"))
        self._unsaid.extend(((Stage.MAIL, mail.encode()), (Stage.RCPT, rcpt.encode()), (Stage.DATA, b"DATA\r\n")))
        return b""

    def _say(self, data: bytes) -> None:
        if self._unsaid and not self._awaited:
            stage, line = self._unsaid.popleft()
            self._awaited.append(stage)
            data += line
        self._wire.send(data)
        self._wire.expect(self._seconds[self._awaited[0]])

    # -- the end

    async def _more(self, idle: float) -> bool:
        """Wait for more to send on this connection; False where it ends."""
        if not self._is_usable():
            return False
        try:
            return await asyncio.wait_for(self._source.ready(), idle) and self._is_usable()
        except TimeoutError:
            return False

    def _is_usable(self) -> bool:
        return not self._over and self._left > 0

    async def _part(self) -> None:
        """Say QUIT and wait a little for the answer, as is polite."""
        if not self._over:
            self._parting = True
            self._wire.send(b"QUIT\r\n")
            self._wire.expect(self._quit_seconds)
            await asyncio.wait([self._wire.ended], timeout=self._quit_seconds)

    def _end(self, words: str, fault: str | None) -> None:
        """The connection is over: what was on its way is reported as far as it had come."""
        if self._over:
            return
        self._over = True
        if not self._parting:
            self.fault = fault
        body, opened, refusal = self._body, self._envelope, self._refusal
        self._body = self._envelope = None
        self._rest.set()
        self._wire.drop(words)
        if body is not None:
            self._tell(body, None, Stage.BODY, words)
        if opened is not None and refusal is not None:
            self._tell(opened, *refusal)
        elif opened is not None:
            self._tell(opened, None, Stage.MAIL, words)

    def _tell(self, outgoing: Outgoing, reply: Reply | None, stage: Stage, words: str = "") -> None:
        self._report(Outcome(outgoing.delivery_id, reply, stage, words, self._relay))
