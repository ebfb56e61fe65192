from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import grpc
import pytest
from tests.unit.terraform.lab import LAB

from hostwright.errors import ToolError
from hostwright.terraform.provider import serve
from hostwright.terraform.provider.messages import schema_response

if TYPE_CHECKING:
    from pathlib import Path


def test_terraform_is_told_where_to_reach_each_provider_and_not_to_end_this_process() -> None:
    with serve([LAB]) as provider:
        told = json.loads(provider.env["TF_REATTACH_PROVIDERS"])["hashicorp/lab"]
        assert (told["Pid"], told["Test"], told["ProtocolVersion"]) == (os.getpid(), True, 6)
        with grpc.insecure_channel(f"unix:{told['Addr']['String']}") as channel:
            ask = channel.unary_unary("/tfplugin6.Provider/GetProviderSchema")
            assert ask(b"") == schema_response(LAB)
        assert json.loads(provider.env_of([])["TF_REATTACH_PROVIDERS"]) == {}


def test_nothing_is_left_when_the_block_ends() -> None:
    with serve([LAB]) as provider:
        socket = provider.sockets["lab"]
        assert socket.exists()
    assert not socket.parent.exists()


def test_a_place_that_is_too_deep_for_a_socket_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with pytest.raises(ToolError, match="no socket") as caught, serve([LAB]):
        pass
    assert "TMPDIR" in caught.value.remedy
