"""One pydantic model per table of the manifest format; `document.Document` is the whole file."""
