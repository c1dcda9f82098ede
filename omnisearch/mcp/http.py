"""The tools over streamable HTTP."""

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette

from omnisearch.mcp.tools import MAX_MEDIA, MAX_MEDIA_CHARACTERS

MAX_BODY_BYTES = MAX_MEDIA * MAX_MEDIA_CHARACTERS + (1 << 20)


def http_app(tools: MCPServer) -> Starlette:
    """Return the app that answers at /mcp. It has no sessions, and does not check hosts and keys.

    Answers are JSON, because the SDK's clients do not accept events as large as an answer with five pictures.
    """
    return tools.streamable_http_app(
        stateless_http=True,
        json_response=True,
        max_request_body_size=MAX_BODY_BYTES,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
