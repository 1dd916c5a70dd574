"""The format as JSON Schema, for editors that complete and check TOML.

The dialect is draft 7 without anything younger, which is what the usual TOML tools read. The schema accepts
every manifest that loads; rules that compare values are not in it.
"""

import json
from typing import Any

from ninedoor.manifest.models.document import Document

DIALECT = "http://json-schema.org/draft-07/schema#"


def json_schema() -> str:
    """The schema as JSON text."""
    schema = Document.model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
    definitions = schema.pop("$defs")
    content = {"$schema": DIALECT, **schema, "title": "NineDoor manifest", "definitions": definitions}
    return json.dumps(_for_draft_7(content), indent=2, ensure_ascii=False) + "\n"


def _for_draft_7(node: Any) -> Any:
    """`node` with every reference alone in its object: a reader of draft 7 ignores what stands beside one."""
    if isinstance(node, list):
        return [_for_draft_7(element) for element in node]
    if not isinstance(node, dict):
        return node
    content = {key: _for_draft_7(value) for key, value in node.items()}
    if "$ref" in content and len(content) > 1:
        return {"allOf": [{"$ref": content.pop("$ref")}], **content}
    return content
