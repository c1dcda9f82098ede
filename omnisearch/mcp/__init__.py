"""The Model Context Protocol: tools with which assistants search, over the HTTP API of a running server."""
