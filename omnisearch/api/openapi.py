"""The OpenAPI description: FastAPI's own, with the schema of our problem documents."""

from typing import Any

from fastapi import FastAPI

from omnisearch.schema.problem import Problem


def describe_problems(app: FastAPI) -> None:
    """Add the schema `Problem`, which `errors.PROBLEM` refers to, to the description of an app."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        described = generate()
        schemas = described.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("Problem", Problem.model_json_schema())
        return described

    app.openapi = openapi  # type: ignore[method-assign]
