"""As `with_curl.sh`, with aiohttp, which looks at the environment when it is told to."""

import asyncio
import os
import sys
from pathlib import Path

import aiohttp


async def main(content: bytes) -> None:
    """Upload, download, ask another host."""
    form = aiohttp.FormData({"uploadPath": "docs", "fileName": "a.txt"})
    form.add_field("file", content, filename="a.txt")
    async with aiohttp.ClientSession(trust_env=True) as session:
        async with session.post(
            "https://kieai.redpandaai.co/api/file-stream-upload",
            headers={"Authorization": "Bearer " + os.environ["KIE_API_KEY"]},
            data=form,
        ) as answer:
            link = (await answer.json())["data"]["downloadUrl"]
        print(link, file=sys.stderr)
        async with session.get(link) as answer:
            sys.stdout.buffer.write(await answer.read())
        try:
            async with session.get(f"https://{sys.argv[2]}/") as answer:
                print(answer, file=sys.stderr)
        except aiohttp.ClientError as error:
            print("no answer", error, file=sys.stderr)


asyncio.run(main(Path(sys.argv[1]).read_bytes()))
