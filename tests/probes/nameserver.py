"""A DNS server on loopback, over UDP and TCP: it answers from a table, fails, or says nothing, as it is told."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset

#: What a name's records may be instead of records.
SERVFAIL, REFUSED, SILENT = "(servfail)", "(refused)", "(silent)"

#: What fits into a datagram without EDNS (RFC 1035, 4.2.1).
DATAGRAM = 512


@dataclass
class NameServer:
    """A running server and its zone: ``{"example.org TXT": ['"v=spf1 -all"']}``, in the words of a zone file."""

    zone: dict[str, Sequence[str]] = field(default_factory=dict)
    port: int = 0
    #: Every question that came, with how it came: ``udp example.org TXT``.
    asked: list[str] = field(default_factory=list)

    @property
    def place(self) -> tuple[str, int]:
        """Where it listens."""
        return "127.0.0.1", self.port

    def answer(self, wire: bytes, way: str) -> bytes | None:
        """The answer to a message; None says nothing."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text().rstrip(".").lower(), question.rdtype.name
        self.asked.append(f"{way} {name} {kind}")
        response = dns.message.make_response(query, recursion_available=True)
        records = self._records(response, name, kind)
        if records == SILENT:
            return None
        try:
            return response.to_wire(max_size=DATAGRAM if way == "udp" else 65535)
        except dns.exception.TooBig:
            short = dns.message.make_response(query, recursion_available=True)
            short.flags |= dns.flags.TC
            return short.to_wire()

    def _records(self, response: dns.message.Message, name: str, kind: str) -> str | None:
        records = self.zone.get(f"{name} {kind}", ())
        alias = self.zone.get(f"{name} CNAME", ())
        if records and records[0] in {SERVFAIL, REFUSED, SILENT}:
            response.set_rcode(dns.rcode.REFUSED if records[0] == REFUSED else dns.rcode.SERVFAIL)
            return records[0]
        if records:
            response.answer.append(dns.rrset.from_text_list(f"{name}.", 60, "IN", kind, list(records)))
        elif alias:
            response.answer.append(dns.rrset.from_text_list(f"{name}.", 60, "IN", "CNAME", list(alias)))
            return self._records(response, alias[0].rstrip("."), kind)
        elif not any(key.split()[0] == name for key in self.zone):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return None


@contextmanager
def serving(zone: Mapping[str, Sequence[str]] | None = None) -> Iterator[NameServer]:
    """A server with that zone, in threads of its own, on a port that is the same for UDP and TCP."""
    server = NameServer(dict(zone or {}))

    class Datagram(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, out = self.request
            answer = server.answer(data, "udp")
            if answer is not None:
                out.sendto(answer, self.client_address)

    class Stream(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = self.rfile.read(2)
            answer = server.answer(self.rfile.read(*struct.unpack("!H", head)), "tcp") if len(head) == 2 else None
            if answer is not None:
                self.wfile.write(struct.pack("!H", len(answer)) + answer)

    with (
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), Stream) as streams,
        socketserver.ThreadingUDPServer(streams.server_address[:2], Datagram) as datagrams,
    ):
        server.port = streams.server_address[1]
        for each in (streams, datagrams):
            threading.Thread(target=each.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server
        finally:
            streams.shutdown()
            datagrams.shutdown()
