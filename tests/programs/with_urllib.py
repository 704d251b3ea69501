"""As `with_curl.sh`, with what comes along with Python."""

import base64
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

body = {
    "base64Data": base64.b64encode(Path(sys.argv[1]).read_bytes()).decode(),
    "uploadPath": "docs",
    "fileName": "a.txt",
}
request = urllib.request.Request(
    "https://kieai.redpandaai.co/api/file-base64-upload",
    data=json.dumps(body).encode(),
    headers={
        "Authorization": "Bearer " + os.environ["KIE_API_KEY"],
        "Content-Type": "application/json",
    },
)
with urllib.request.urlopen(request, timeout=30) as answer:
    link = json.load(answer)["data"]["downloadUrl"]
print(link, file=sys.stderr)
with urllib.request.urlopen(link, timeout=30) as answer:
    sys.stdout.buffer.write(answer.read())
try:
    with urllib.request.urlopen(f"https://{sys.argv[2]}/", timeout=30) as answer:
        print(answer, file=sys.stderr)
except urllib.error.URLError as error:
    print("no answer", error, file=sys.stderr)
