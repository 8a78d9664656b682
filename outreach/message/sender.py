"""Who is a compiled campaign from? The address in its From, which is the same for everybody."""

from __future__ import annotations

from email.parser import BytesHeaderParser

from outreach import address
from outreach.address import Address
from outreach.errors import CompileError
from outreach.message.compiled import Compiled


def of_campaign(compiled: Compiled) -> Address:
    """The address in From; raises CompileError where there is none."""
    head = b"".join(piece for piece in compiled.pieces if isinstance(piece, bytes)).partition(b"\r\n\r\n")[0]
    found = BytesHeaderParser().parsebytes(head)["From"]
    if found is None:
        raise CompileError("the compiled campaign has no From")
    return address.parse_mailbox(str(found).replace("\r\n", "")).address
