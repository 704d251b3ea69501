"""The uploads that are measured: 1 KB as raw bytes for a socket, and large ones sent by curl."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

KEY = "kie-mock-key"
PATH = "/api/file-stream-upload"
SUCCESS = b'"success":true'
_BOUNDARY = b"----mockkie-benchmark-7MA4YWxkTrZu0gW"
_NAME = b"NNNNNNNN.bin"


def small_upload(port: int, size: int = 1_024) -> tuple[bytes, bytes]:
    """What goes before and behind the eight digits in the name of a stream upload.

    The content is of no known type: identifying it costs more than an image would.
    """
    content = random.Random(7).randbytes(size)  # noqa: S311 - any bytes, the same every time
    parts = [
        (b'name="uploadPath"', b"", b"bench/small"),
        (b'name="fileName"', b"", _NAME),
        (b'name="file"; filename="a.bin"', b"Content-Type: application/octet-stream\r\n", content),
    ]
    body = b"".join(
        b"--%s\r\nContent-Disposition: form-data; %s\r\n%s\r\n%s\r\n" % (_BOUNDARY, *part)
        for part in parts
    )
    body += b"--%s--\r\n" % _BOUNDARY
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: mockkie-benchmark\r\n"
        f"Accept: */*\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY.decode()}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    before, _, behind = (head.encode() + body).partition(_NAME[:8])
    return before, behind


def curl_upload(url: str, file: Path, name: str) -> tuple[float, str]:
    """`(seconds, downloadUrl)` of one stream upload by curl; an error unless it succeeded."""
    done = subprocess.run(
        [
            *("curl", "--silent", "--show-error", "--fail-with-body", "--noproxy", "*"),
            *("--header", f"Authorization: Bearer {KEY}", "--write-out", "\n%{time_total}"),
            *("--form", "uploadPath=bench/large", "--form", f"fileName={name}"),
            *("--form", f"file=@{file};type=application/octet-stream", url + PATH),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    answer, _, seconds = done.stdout.rpartition("\n")
    if done.returncode or SUCCESS.decode() not in answer.replace(": ", ":"):
        raise RuntimeError(f"curl {done.returncode}: {answer} {done.stderr}")
    return float(seconds), answer.partition('"downloadUrl":"')[2].partition('"')[0]


def curl_download(url: str) -> tuple[float, int]:
    """`(seconds, bytes)` of one download by curl; an error unless it succeeded."""
    done = subprocess.run(
        [
            *("curl", "--silent", "--show-error", "--fail", "--noproxy", "*"),
            *("--output", "/dev/null", "--write-out", "%{time_total} %{size_download}", url),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, size = done.stdout.split()
    return float(seconds), int(size)
