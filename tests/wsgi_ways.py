"""The ways in which faithful servers of the File Upload API differ, each variant by its name."""

from dataclasses import dataclass

ENGLISH = {
    "stored": "File uploaded successfully",
    "missing": "Missing required parameter: {0}",
    "invalid": "Invalid parameter: {0}",
    "base64": "Base64 decoding failed: Invalid Base64 format",
    "fetch": "Failed to fetch the file",
    "key": "Authentication failed: Invalid API Key",
    "method": "Method Not Allowed",
    "busy": "Too Many Requests",
    "server": "Internal server error",
}
CHINESE = {
    "stored": "文件上传成功",
    "missing": "缺少必填参数:{0}",
    "invalid": "参数无效:{0}",
    "base64": "Base64 解码失败",
    "fetch": "文件下载失败",
    "key": "认证失败:API 密钥无效",
    "method": "不支持该请求方法",
    "busy": "请求过于频繁",
    "server": "服务器内部错误",
}
GERMAN = {
    "stored": "Datei gespeichert",
    "missing": "Pflichtfeld fehlt: {0}",
    "invalid": "Ungültiges Feld: {0}",
    "base64": "Kein gültiges Base64",
    "fetch": "Die Datei war nicht abrufbar",
    "key": "Ungültiger Schlüssel",
    "method": "Methode nicht erlaubt",
    "busy": "Zu viele Anfragen",
    "server": "Interner Fehler",
}


@dataclass(frozen=True)
class Ways:
    """How one faithful server does what the pages leave open."""

    links: str = "documented"  # or observed, as live answers were
    apart: bool = False  # downloads from a port of their own
    extra_keys: bool = False
    texts: str = "english"  # chinese, german
    ascii_json: bool = True  # \u escapes in JSON
    content_type: str = "application/json"
    time: str = "ms"  # s, us, offset (+00:00), none (no fraction when it is zero)
    names: str = "epoch"  # uuid, prefixed (random, then the original name)
    url_names: str = "random"  # url: the last segment of fileUrl
    extension: str = "filename"  # or type
    mime: str = "extension"  # or content, declared
    head: bool = True
    ranges: bool = False  # with ETag, Last-Modified and conditional requests
    cache_control: str = ""
    stale: float = 0.0  # seconds for which old bytes are served after an overwrite
    gone: int = 404
    gone_body: str = "json"  # html, xml, text, empty
    slashes: str = "trimmed"  # refused, kept
    odd_paths: str = "cleaned"  # `..`, `.`, `//`: refused, kept (but for the link)
    strict: bool = False  # refuses what is doubtful
    lax: bool = False  # takes what is doubtful
    failed_fetch: int = 400  # or 500
    limit_every: int = 0  # this many requests, then one answer of 429
    retry_after: str = ""
    keep_alive: bool = False  # Werkzeug's own server closes after every answer
    protocol: str = "HTTP/1.1"
    header_case: str = ""  # upper, lower
    delay: float = 0.0
    gzip: bool = False
    cors: bool = False
    clock: bool = True
    clocked_date: bool = False  # the Date header follows the clock
    second_account: bool = True
    unknown_route: str = "json"  # html: as Werkzeug does
    quoting: str = "python"  # javascript leaves !'()* as they are; small: %c3 and not %C3
    streamed: bool = False  # answers have no Content-Length
    redirected: bool = False  # a link leads on to where the file is
    disposition: bool = False
    cookies: bool = False
    pretty: bool = False
    late: float = 0.0  # seconds after the end until the broom comes


LIVE_LIKE = Ways(
    links="observed",
    apart=True,
    extra_keys=True,
    extension="filename",
    cache_control="public, max-age=86400",
    ranges=True,
    stale=1.0,
    gone_body="xml",
    keep_alive=True,
    cors=True,
    clock=False,
    content_type="application/json; charset=utf-8",
)

FAITHFUL: dict[str, Ways] = {
    # As the pages have it, in the plain manner of Flask.
    "plain": Ways(),
    "observed-links": Ways(links="observed", extra_keys=True),
    "downloads-apart": Ways(apart=True),
    "downloads-apart-observed": Ways(apart=True, links="observed", cors=True),
    "extra-keys": Ways(extra_keys=True),
    "chinese": Ways(texts="chinese", ascii_json=False),
    "german-escaped": Ways(texts="german"),
    "charset": Ways(content_type="application/json; charset=utf-8"),
    "seconds": Ways(time="s"),
    "microseconds": Ways(time="us"),
    "offset-time": Ways(time="offset"),
    "fraction-when-needed": Ways(time="none"),
    "uuid-names": Ways(names="uuid", extension="type"),
    "prefixed-names": Ways(names="prefixed"),
    "extension-by-type": Ways(extension="type"),
    "type-by-content": Ways(mime="content", extension="type"),
    "type-as-declared": Ways(mime="declared"),
    "no-head": Ways(head=False),
    "ranges": Ways(ranges=True, cache_control="public, max-age=86400"),
    "stale-for-a-second": Ways(stale=1.0),
    "stale-for-three-seconds": Ways(stale=3.0, cache_control="public, max-age=86400"),
    "gone-403-xml": Ways(gone=403, gone_body="xml"),
    "gone-404-html": Ways(gone=404, gone_body="html"),
    "gone-404-empty": Ways(gone=404, gone_body="empty"),
    "gone-410-json": Ways(gone=410, gone_body="json"),
    "gone-410-text": Ways(gone=410, gone_body="text"),
    "slashes-refused": Ways(slashes="refused"),
    "slashes-kept": Ways(slashes="kept", odd_paths="kept"),
    "limited": Ways(limit_every=23, retry_after="1"),
    "limited-without-a-word": Ways(limit_every=37),
    "keep-alive": Ways(keep_alive=True),
    "slow": Ways(delay=0.05),
    "gzip": Ways(gzip=True),
    "http-1.0": Ways(protocol="HTTP/1.0"),
    "headers-in-capitals": Ways(header_case="upper"),
    "headers-in-small": Ways(header_case="lower", keep_alive=True),
    "one-account": Ways(second_account=False),
    "lax": Ways(lax=True, slashes="kept", odd_paths="kept", unknown_route="html"),
    "strict": Ways(strict=True, slashes="refused", odd_paths="refused"),
    "no-clock": Ways(clock=False),
    "date-by-the-clock": Ways(clocked_date=True),
    "live-like": LIVE_LIKE,
    "behind-a-proxy": Ways(
        keep_alive=True,
        gzip=True,
        header_case="lower",
        delay=0.01,
        apart=True,
        unknown_route="html",
        texts="german",
        ascii_json=False,
        cookies=True,
        quoting="small",
    ),
    "small-shop": Ways(
        names="prefixed",
        mime="declared",
        time="offset",
        gone=410,
        gone_body="empty",
        head=False,
        slashes="kept",
        texts="chinese",
        second_account=False,
        limit_every=61,
        disposition=True,
        pretty=True,
    ),
    "like-node": Ways(
        quoting="javascript",
        keep_alive=True,
        ascii_json=False,
        content_type="application/json; charset=utf-8",
        header_case="lower",
        names="uuid",
        mime="declared",
        cors=True,
    ),
    "javascript-links": Ways(quoting="javascript"),
    "small-hex-links": Ways(quoting="small"),
    "streamed": Ways(streamed=True),
    "streamed-http-1.0": Ways(streamed=True, protocol="HTTP/1.0"),
    "attachments": Ways(disposition=True, cookies=True, pretty=True),
    # Odd, but faithful. The pages contradict each other on what a URL upload without a
    # fileName is called, so that the last segment of the URL is as right as a random name
    # (and a second upload of the same URL is then an overwrite).
    "named-by-url": Ways(url_names="url"),
    # A fetch that fails is either the client's fault (400) or the server's (500): both are in
    # the list of codes, and no page says which.
    "failed-fetch-500": Ways(failed_fetch=500),
    # Whether a link redirects nobody knows; a link that leads on to a storage with a signed
    # address returns the file to every client that follows, as browsers and curl -L do.
    "redirected": Ways(redirected=True),
    # Files are deleted by a broom that comes now and then: half a minute after three days is
    # still three days after upload.
    "swept-late": Ways(late=30.0),
}
