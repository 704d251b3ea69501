"""As `with_curl.sh`, with httpx2."""

import os
import sys
from pathlib import Path

import httpx2

with httpx2.Client() as client:
    answer = client.post(
        "https://kieai.redpandaai.co/api/file-stream-upload",
        headers={"Authorization": "Bearer " + os.environ["KIE_API_KEY"]},
        files={"file": Path(sys.argv[1]).read_bytes()},
        data={"uploadPath": "docs", "fileName": "a.txt"},
    )
    link = answer.json()["data"]["downloadUrl"]
    print(link, file=sys.stderr)
    sys.stdout.buffer.write(client.get(link).content)
    try:
        print(client.get(f"https://{sys.argv[2]}/"), file=sys.stderr)
    except httpx2.HTTPError as error:
        print("no answer", error, file=sys.stderr)
