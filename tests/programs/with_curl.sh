#!/bin/sh
# Upload a file as the vendor's pages do, print its bytes as they come back, ask another host.
answer=$(curl -sS -X POST https://kieai.redpandaai.co/api/file-stream-upload \
    -H "Authorization: Bearer $KIE_API_KEY" -F "file=@$1" -F uploadPath=docs -F fileName=a.txt)
link=${answer#*\"downloadUrl\":\"}
link=${link%%\"*}
echo "$link" >&2
curl -sS "$link"
curl -sS "https://$2/" >&2 || echo "no answer" >&2
