"""A multipart form as HTTP clients write one."""

BOUNDARY = "xYzZY-0815"


def multipart(
    fields: dict[str, str | bytes], files: dict[str, bytes] | None = None
) -> tuple[bytes, dict[str, str]]:
    """The body and its content type; files are named attachment-1 and so on."""
    parts = []
    for name, value in fields.items():
        content = value if isinstance(value, bytes) else value.encode()
        head = f'Content-Disposition: form-data; name="{name}"'
        parts.append(f"{head}\r\n\r\n".encode() + content)
    for number, (name, content) in enumerate((files or {}).items(), start=1):
        head = f'Content-Disposition: form-data; name="attachment-{number}"; filename="{name}"'
        parts.append(f"{head}\r\nContent-Type: text/plain\r\n\r\n".encode() + content)
    edge = f"--{BOUNDARY}".encode()
    body = b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts) + edge + b"--\r\n"
    return body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
