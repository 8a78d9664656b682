"""Where the web part listens is known before it serves, and a port in use is one clear sentence."""

from __future__ import annotations

import pytest

from outreach.errors import SettingsError
from outreach.web import listen


def test_port_0_takes_a_free_one_and_tells_it() -> None:
    with listen.on("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert port > 0
        assert listen.url(listener) == f"http://127.0.0.1:{port}"


def test_a_port_in_use_is_refused_with_a_way_out() -> None:
    with listen.on("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(SettingsError, match=f"Port {port} of 127.0.0.1 is in use") as refusal:
            listen.on("127.0.0.1", port)
    assert "--port" in (refusal.value.hint or "")


def test_a_host_that_is_not_ours_is_refused() -> None:
    with pytest.raises(SettingsError, match="Nothing can listen on"):
        listen.on("192.0.2.1", 0)
