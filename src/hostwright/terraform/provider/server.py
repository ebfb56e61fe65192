"""The schema provider as Terraform reaches it: gRPC on a Unix socket, served by this process."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hostwright.errors import ToolError
from hostwright.terraform.provider.marks import Marks
from hostwright.terraform.provider.service import Mode, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hostwright.terraform.schema.model import Schema

#: Terraform plans up to ten resources at a time.
_THREADS = 10
_LARGE = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
_PROTOCOL = 6


class SchemaProvider:
    """Providers that are being served, one for each schema.

    Attributes:
        marks: The marks they have given out since :meth:`forget`.
    """

    def __init__(self, schemas: Iterable[Schema], mode: Mode) -> None:
        self.marks = Marks()
        self.services = [Service(schema, mode, self.marks) for schema in schemas]
        self.sockets: dict[str, Path] = {}

    @property
    def env(self) -> dict[str, str]:
        """What Terraform's environment needs to use them instead of looking for plugins."""
        return self.env_of(self.sockets)

    def env_of(self, names: Iterable[str]) -> dict[str, str]:
        """The same for some of them only: ``aws``."""
        return {"TF_REATTACH_PROVIDERS": json.dumps(_reattach(self.sockets, names))}

    def forget(self) -> None:
        """Begin a new plan: with marks of its own, whatever was planned before."""
        self.marks = Marks()
        for service in self.services:
            service.marks = self.marks


@contextmanager
def serve(schemas: Iterable[Schema], mode: Mode = "known") -> Iterator[SchemaProvider]:
    """Serve these schemas until the block ends, each as the provider that it describes.

    Raises:
        ToolError: Temporary files lie where no socket can be.
    """
    provider = SchemaProvider(schemas, mode)
    with ExitStack() as stack:
        # A socket's path has room for about a hundred characters.
        home = Path(stack.enter_context(TemporaryDirectory(prefix="hostwright-")))
        for service in provider.services:
            socket = stack.enter_context(_served(service, home))
            provider.sockets[service.schema.name] = socket
        yield provider


@contextmanager
def _served(service: Service, home: Path) -> Iterator[Path]:
    import grpc

    socket = home / service.schema.name
    server = grpc.server(ThreadPoolExecutor(_THREADS), options=_LARGE)
    server.add_generic_rpc_handlers(tuple(handlers(service)))
    try:
        server.add_insecure_port(f"unix:{socket}")
    except RuntimeError as error:
        raise ToolError(
            "no socket can be made there for the schema provider",
            where=str(socket),
            remedy="Set TMPDIR to a directory with a short path that can be written.",
        ) from error
    server.start()
    try:
        yield socket
    finally:
        server.stop(grace=None).wait()


def handlers(service: Service) -> Iterator[Any]:
    """The provider's methods, and the plugin library's own that Terraform calls."""
    import grpc

    answer: Callable[..., Any] = grpc.unary_unary_rpc_method_handler
    methods = {name: answer(_alone(do)) for name, do in service.methods().items()}
    yield grpc.method_handlers_generic_handler("tfplugin6.Provider", methods)
    quiet = grpc.unary_stream_rpc_method_handler(lambda _request, _context: iter(()))
    yield grpc.method_handlers_generic_handler("plugin.GRPCStdio", {"StreamStdio": quiet})


def _alone(do: Callable[[bytes], bytes]) -> Callable[[bytes, object], bytes]:
    return lambda request, _context: do(request)


def _reattach(sockets: Mapping[str, Path], names: Iterable[str]) -> dict[str, Any]:
    return {
        f"hashicorp/{name}": {
            "Protocol": "grpc",
            "ProtocolVersion": _PROTOCOL,
            # Of a test's provider Terraform knows that it is not to end the process.
            "Test": True,
            "Pid": os.getpid(),
            "Addr": {"Network": "unix", "String": str(sockets[name])},
        }
        for name in names
    }
