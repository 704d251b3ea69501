"""As `with_curl.sh`, with requests."""

import os
import sys
from pathlib import Path

import requests

answer = requests.post(
    "https://kieai.redpandaai.co/api/file-stream-upload",
    headers={"Authorization": "Bearer " + os.environ["KIE_API_KEY"]},
    files={"file": Path(sys.argv[1]).read_bytes()},
    data={"uploadPath": "docs", "fileName": "a.txt"},
    timeout=30,
)
link = answer.json()["data"]["downloadUrl"]
print(link, file=sys.stderr)
sys.stdout.buffer.write(requests.get(link, timeout=30).content)
try:
    print(requests.get(f"https://{sys.argv[2]}/", timeout=30), file=sys.stderr)
except requests.RequestException as error:
    print("no answer", error, file=sys.stderr)
