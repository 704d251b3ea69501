"""The bugs that the foreign servers can be given: single deviations, each with what it breaks."""

from dataclasses import dataclass

BEARER = "Authorization: Bearer <key> on all three uploads"
KEYLESS = "downloads take no key"
REFUSED = "a request that is refused was not carried out"
UNAUTHORISED = "401: Authentication failed: Invalid API Key"
SCHEMA = "200: {success: true, code: 200, msg, data} with all six facts in data"
ERRORS = "400, 401, 405 and 500: {success: false, code, msg}"
STATUS = "the HTTP status equals code"
JSON = "answers are application/json"
KEPT = "fileName given: it is kept as it is"
RANDOM = "fileName missing: a random, unique name with the extension"
NULL = "fileName may be null"
PATHS = "filePath is <uploadPath>/<fileName>"
LINKS = "downloadUrl ends with the percent-encoded filePath"
BYTES = "the link returns the file that was uploaded"
BASE64 = "base64Data: plain base64 or a data: URL"
FETCHED = "fileUrl: http or https; up to 100 MB"
SIZE = "fileSize is in bytes of the decoded file"
TYPE = "mimeType is the file's, identified by the service"
TIME = "uploadedAt is UTC, ISO 8601, with Z, of the upload"
OVERWRITE = "the same uploadPath and fileName again: the old file is overwritten"
IDENTICAL = "identical names overwrite, others do not"
DAYS = "files are deleted 3 days after upload"
AGAIN = "an overwrite is an upload: the file lives 3 days from it"
REQUIRED = "file, base64Data, fileUrl and uploadPath are required strings"
OPTIONAL = "only file, base64Data or fileUrl, and uploadPath, are required"
FORM = "multipart/form-data with file, uploadPath, fileName in any order"
BODY = "the body is JSON"
VERBS = "uploads are POST; 405 is in the list of codes"
OPEN = "nothing that is documented"


@dataclass(frozen=True)
class Bug:
    """One deviation: the part that breaks, the level of what it breaks, and what it does."""

    part: str
    level: str  # D documented or what follows from it, O observed, A assumed
    breaks: str
    does: str


_Row = tuple[str, str, str, str]

_AUTH: list[_Row] = [
    ("key-case", "D", UNAUTHORISED, "keys are compared without regard to case"),
    ("key-longer", "D", UNAUTHORISED, "a key with something after it is accepted"),
    ("key-shorter", "D", UNAUTHORISED, "the first eight characters of a key are enough"),
    ("key-last-sign", "D", UNAUTHORISED, "the last character of a key is not compared"),
    ("key-cached-by-head", "D", UNAUTHORISED, "known keys are cached by their first 6 characters"),
    ("url-open", "D", BEARER, "the URL route takes uploads without a key"),
    ("empty-bearer", "D", BEARER, "`Bearer` with nothing behind it is the first account"),
    ("sticky", "D", BEARER, "without the header, the account of the request before is used"),
    ("large-open", "D", BEARER, "bodies above 256 KiB are taken without a look at the key"),
    ("scheme-ignored", "A", OPEN, "any scheme is taken for Bearer"),
    ("bare-key", "A", OPEN, "the key alone, without Bearer, is accepted"),
    ("locked-out", "D", BEARER, "after two wrong keys in a row the next good one is refused"),
    ("non-ascii-key", "D", UNAUTHORISED, "a key that is not ASCII is answered with 500"),
    (
        "wrong-key-403",
        "D",
        UNAUTHORISED,
        "a wrong key is answered 403, a missing one 401",
    ),
    ("missing-key-400", "D", UNAUTHORISED, "a missing header is answered with 400"),
    ("html-401", "D", ERRORS, "401 comes as Werkzeug's HTML page"),
    ("stored-anyway", "D", REFUSED, "an upload with a wrong key is answered 401, but stored"),
    ("one-world", "A", OPEN, "both accounts share one folder"),
    ("second-as-first", "A", OPEN, "base64 uploads of the second account land in the first's"),
    ("wrong-key-at-download", "D", KEYLESS, "downloads refuse a wrong key, if one is sent"),
    ("base64-download-key", "D", KEYLESS, "files of the base64 route need a key to be read"),
    ("second-download-key", "D", KEYLESS, "files of the second account need a key to be read"),
    ("fields-first", "A", OPEN, "a missing uploadPath is answered 400 even without a key"),
    ("head-only-key", "D", KEYLESS, "HEAD on a download needs a key"),
]

_ENVELOPE: list[_Row] = [
    ("code-as-text", "D", SCHEMA, "code is the text `200` on the base64 route"),
    ("success-as-text", "D", ERRORS, "success is the text `false` in a 400"),
    ("message-for-msg", "D", ERRORS, "a 401 says message in place of msg"),
    ("no-data-again", "D", SCHEMA, "data is null for an overwrite"),
    ("no-type-when-unknown", "D", SCHEMA, "mimeType is missing for an unknown extension"),
    ("size-as-text", "D", SCHEMA, "fileSize is text with commas from 100,000 bytes on"),
    ("errors-in-200", "D", STATUS, "the URL route answers errors with HTTP 200"),
    ("code-400-in-401", "D", STATUS, "a 401 carries code 400"),
    ("success-in-400", "D", ERRORS, "a 400 of the stream route says success: true"),
    ("html-405", "D", ERRORS, "405 comes as Werkzeug's HTML page"),
    ("quickstart-keys", "D", SCHEMA, "the stream route answers with the quickstart page's keys"),
    ("errors-as-html", "D", JSON, "a 400 is JSON, but called text/html"),
    ("msg-as-list", "D", ERRORS, "msg is a list of errors in a 400"),
    ("null-name", "D", SCHEMA, "fileName is null in the answer when it was generated"),
    ("mark-before-json", "D", JSON, "answers of the URL route start with a byte order mark"),
    ("length-in-characters", "D", JSON, "Content-Length counts characters, so `é` cuts the JSON"),
    ("created-201", "D", STATUS, "a new file is answered 201, an overwrite 200"),
    ("gbk-json", "D", JSON, "JSON is in GBK when a name is not ASCII"),
    ("json-in-json", "D", ERRORS, "a 405 is JSON inside a JSON string"),
    ("code-zero", "D", SCHEMA, "code is 0 for a success of the URL route"),
    ("no-code-in-405", "D", ERRORS, "a 405 has no code"),
    ("data-as-list", "D", SCHEMA, "data is a list with one entry on the stream route"),
    ("time-is-number", "D", TIME, "uploadedAt is epoch milliseconds on the URL route"),
    ("unquoted-json", "D", JSON, 'a name with `"` is put into the JSON without an escape'),
]

_NAMING: list[_Row] = [
    ("secure", "D", KEPT, "werkzeug.secure_filename is applied to fileName"),
    ("small-extension", "D", KEPT, "the extension is put in small letters"),
    ("decoded-once", "D", KEPT, "`%41` in fileName becomes `A`"),
    ("composed", "A", OPEN, "names are brought to NFC"),
    ("trimmed", "D", KEPT, "spaces at the ends of fileName are dropped"),
    ("cut-at-100", "D", KEPT, "names are cut at 100 characters"),
    ("by-the-second", "D", RANDOM, "generated names hold only the second"),
    ("by-content", "D", RANDOM, "generated names are the digest of the content"),
    ("by-original", "D", RANDOM, "without fileName the multipart filename is the name"),
    ("no-extension-base64", "D", RANDOM, "the base64 route generates names without extension"),
    ("counter-each-route", "D", RANDOM, "each route counts its generated names on its own"),
    ("none", "D", NULL, "fileName null becomes `None`"),
    ("dot-lost", "D", KEPT, "the dot of a dotfile is lost"),
    ("extension-added", "D", KEPT, "a name without extension gets one"),
    ("absolute", "A", OPEN, "a fileName that starts with a slash drops uploadPath"),
    ("cut-at-semicolon", "D", KEPT, "the stream route cuts fileName at a semicolon"),
    ("html-escaped", "D", KEPT, "`&` in a name is answered as `&amp;`"),
    ("quoted-in-path", "D", PATHS, "filePath is percent-encoded"),
    ("small-path", "D", PATHS, "uploadPath is put in small letters"),
    ("three-byte-signs", "A", OPEN, "signs beyond the basic plane become `?`, as in utf8mb3"),
    ("no-double-dots", "D", KEPT, "`..` inside a name becomes `.`"),
    ("no-dot-at-end", "D", KEPT, "a dot at the end of a name is dropped"),
    ("one-space", "D", KEPT, "several spaces in a name become one"),
    ("jpeg-to-jpg", "D", KEPT, "`.jpeg` at the end of a given name becomes `.jpg`"),
    ("three-folders", "D", PATHS, "uploadPath is cut after three segments"),
    ("backslash", "D", PATHS, "filePath is joined with a backslash on the URL route"),
    ("leading-slash", "D", PATHS, "filePath starts with a slash on the base64 route"),
    ("path-as-name", "D", SCHEMA, "fileName in the answer holds the whole path"),
    ("given-as-random", "D", KEPT, "the URL route ignores fileName"),
    ("original-wins", "D", KEPT, "the multipart filename wins over fileName when both have one"),
]

_CONTENT: list[_Row] = [
    ("crlf-to-lf", "D", BYTES, "CRLF becomes LF in text by the base64 route"),
    ("last-newline", "D", BYTES, "the last CRLF of a stream upload is dropped"),
    ("text-to-nul", "D", BYTES, "text is cut at its first NUL"),
    ("text-to-ctrl-z", "D", BYTES, "text is cut at 0x1A, as Windows did"),
    ("multiple-of-64k", "D", BYTES, "a file of a multiple of 64 KiB loses its last byte"),
    ("mark-dropped", "D", BYTES, "a byte order mark at the start is dropped"),
    ("text-replaced", "D", BYTES, "bytes in text that are not UTF-8 become U+FFFD"),
    ("png-tail", "D", BYTES, "what follows the end of a PNG is dropped"),
    ("peeked-at", "D", BYTES, "above 500,000 bytes the first 512 are lost after a look at them"),
    ("boundary-like", "D", BYTES, "a stream upload ends at the first line that starts with `--`"),
    ("plus-in-data-url", "D", BASE64, "`+` in a data: URL is read as a space and skipped"),
    ("one-pad", "D", BASE64, "base64 that ends with one `=` loses a byte"),
    ("by-a-megabyte", "D", BASE64, "base64 is decoded in pieces of 1,000,002 characters"),
    ("data-url-charset", "D", BASE64, "a data: URL with a charset is taken for bad base64"),
    ("no-data-url-type", "D", BASE64, "a data: URL without a type is taken for bad base64"),
    ("empty-refused", "A", OPEN, "a file of no bytes is refused"),
    ("text-by-latin-1", "D", BYTES, "fetched text without charset is read as latin-1"),
    ("query-dropped", "D", FETCHED, "fileUrl is fetched without its query"),
    ("error-page-stored", "A", OPEN, "the page of a failed fetch is stored as the file"),
    ("fetched-once", "D", FETCHED, "a fileUrl is fetched once and then remembered"),
    ("fetched-to-1m", "D", FETCHED, "no more than 1 MiB is fetched"),
    ("at-4096", "D", BYTES, "a file of exactly 4096 bytes is stored twice over"),
    ("trailing-nuls", "D", BYTES, "NULs at the end of a file are dropped"),
    ("decoded-twice", "D", BASE64, "decoded text that starts with data: is decoded again"),
    ("stream-decoded", "D", BYTES, "a streamed text that is all base64 is decoded"),
    ("second-account-ascii", "D", BYTES, "the second account's text loses all that is not ASCII"),
    ("again-after-1m", "D", BYTES, "above 1 MiB each further 64 KiB starts with the byte before"),
]

_DOWNLOADS: list[_Row] = [
    ("plus-as-space", "D", LINKS, "`+` in a link is read as a space"),
    ("hash-raw", "D", LINKS, "`#` and `?` are not encoded in the link"),
    ("percent-raw", "D", LINKS, "`%` is not encoded in the link"),
    ("space-as-plus", "D", LINKS, "spaces in the link are `+`"),
    ("unicode-raw", "D", LINKS, "the link is not encoded where it is not ASCII"),
    ("encoded-twice", "D", LINKS, "the link is percent-encoded twice"),
    ("relative", "D", LINKS, "downloadUrl has no host on the base64 route"),
    ("four-times", "D", BYTES, "a link works four times"),
    ("accept-json", "D", BYTES, "Accept: application/json gets facts in place of the file"),
    ("gz-encoding", "D", BYTES, "names on .gz are sent with Content-Encoding: gzip"),
    ("always-gzip", "D", BYTES, "text is sent gzipped to clients that refuse it"),
    ("etag-of-path", "D", OVERWRITE, "the ETag is of the path, so old copies stay valid (304)"),
    ("modified-by-size", "D", OVERWRITE, "the ETag is of the size, so old copies stay valid (304)"),
    ("always-304", "A", OPEN, "any If-Modified-Since gets 304"),
    ("range-short", "A", OPEN, "a range lacks its last byte"),
    ("range-whole", "A", OPEN, "a range is answered 206 with the whole file"),
    ("head-404", "O", "HEAD on a download answers 200", "HEAD answers 404"),
    ("head-length", "O", "HEAD on a download answers 200", "HEAD says Content-Length: 0"),
    ("unknown-200", "A", OPEN, "an unknown link answers 200 with a page"),
    ("disposition", "A", OPEN, "a name that is not latin-1 breaks a header: the download is 500"),
    ("type-by-content", "A", OPEN, "the download's type is sniffed, mimeType is by extension"),
    ("last-piece", "D", BYTES, "the last piece is not sent when the size is a multiple of 16 KiB"),
    ("small-letters", "D", BYTES, "links are looked up in small letters: names with capitals: 404"),
    ("dotfiles", "D", BYTES, "links of dotfiles are answered 404"),
    ("long-link", "D", BYTES, "links whose path is longer than 255 characters are answered 404"),
    ("query-empty", "A", OPEN, "a link with a query string returns an empty file"),
]

_OVERWRITE: list[_Row] = [
    ("url-kept-old", "D", OVERWRITE, "a URL upload does not replace a file"),
    ("stream-then-base64", "D", OVERWRITE, "a base64 upload does not replace a streamed file"),
    ("numbered", "D", OVERWRITE, "a name that is taken becomes `name (1)`"),
    ("old-tail", "D", OVERWRITE, "a shorter file leaves the tail of the longer one"),
    ("type-stale", "D", OVERWRITE, "the download keeps the first file's type"),
    ("size-stale", "D", SIZE, "fileSize of an overwrite is the old file's"),
    ("time-stale", "D", TIME, "uploadedAt of an overwrite is the first upload's"),
    ("refused-deletes", "D", REFUSED, "a refused upload deletes the file that has its name"),
    ("refused-empties", "D", REFUSED, "bad base64 leaves the file of that name empty"),
    ("failed-fetch-deletes", "D", REFUSED, "a failed fetch deletes the file that has its name"),
    ("same-size", "D", OVERWRITE, "a file of the same size is taken for the same"),
    ("same-head", "D", OVERWRITE, "a file with the same first 64 bytes is taken for the same"),
    ("same-ends", "D", OVERWRITE, "a file of same size, first and last byte is taken for the same"),
    ("new-link", "A", OPEN, "an overwrite makes a new link, and the old one is dead"),
    ("cached-for-good", "D", OVERWRITE, "a link that was read returns those bytes for good"),
    ("two-replicas", "D", OVERWRITE, "old and new are served in turn"),
    ("third", "D", OVERWRITE, "the third upload to a name is ignored"),
    ("any-folder", "D", IDENTICAL, "the same fileName in another uploadPath is overwritten"),
    ("glued", "D", IDENTICAL, "keys have no slash: `ab`/`c.txt` is `a`/`bc.txt`"),
    ("case", "D", IDENTICAL, "names that differ in case are one file"),
    ("composed-key", "A", OPEN, "names that differ in Unicode composition are one file"),
    ("plus-key", "D", IDENTICAL, "`a+b` and `a b` are one file"),
    ("first-60", "D", IDENTICAL, "names that agree in their first 60 characters are one file"),
    ("space-at-end", "D", IDENTICAL, "`name` and `name` with a space behind are one file"),
    ("no-extension", "D", IDENTICAL, "names that differ in the extension are one file"),
    ("semicolon-key", "D", IDENTICAL, "names that agree up to a semicolon are one file"),
    ("percent-key", "D", IDENTICAL, "`%41` and `A` are one file"),
    ("empty-kept-old", "D", OVERWRITE, "an empty file does not replace one"),
    ("second-account", "D", OVERWRITE, "the second account cannot overwrite"),
    ("shared-blob", "D", IDENTICAL, "equal contents share one blob: overwriting one changes all"),
    ("within-a-moment", "D", OVERWRITE, "a second upload within 0.3 seconds of the first is lost"),
]

_EXPIRY: list[_Row] = [
    ("one-day", "D", DAYS, "files live one day"),
    ("four-days", "D", DAYS, "files live four days"),
    ("base64-two-days", "D", DAYS, "files of the base64 route live two days"),
    ("hour-early", "D", DAYS, "files are deleted an hour early"),
    ("hour-late", "D", DAYS, "files are deleted an hour late"),
    ("to-midnight", "D", DAYS, "files live to the end of their last day"),
    ("from-midnight", "D", DAYS, "files live to the start of their last day"),
    ("second-account-zone", "D", DAYS, "the second account's files live 8 hours longer"),
    ("large-two-days", "D", DAYS, "files above 1 MiB live two days"),
    ("generated-never", "D", DAYS, "files with generated names are never deleted"),
    ("url-never", "D", DAYS, "files of the URL route are never deleted"),
    ("empty-never", "D", DAYS, "files of no bytes are never deleted"),
    ("overwritten-never", "D", AGAIN, "overwritten files are never deleted"),
    ("not-restarted", "D", AGAIN, "an overwrite does not restart the days"),
    ("restarted-once", "D", AGAIN, "only the first overwrite restarts the days"),
    ("other-route-not-restarted", "D", AGAIN, "an overwrite by another route does not restart"),
    ("first-read", "D", DAYS, "the days are counted from the first download"),
    ("sliding", "D", DAYS, "each download restarts the days"),
    ("head-sliding", "D", DAYS, "each HEAD restarts the days"),
    ("refused-restarts", "D", DAYS, "a refused upload of that name restarts the days"),
    ("folder-restarts", "D", DAYS, "an upload restarts the days of its whole folder"),
    ("folder", "D", DAYS, "the end of one file deletes its folder"),
    ("prefix", "D", DAYS, "the end of one file deletes all whose path starts like it"),
    ("same-name", "D", DAYS, "the end of one file deletes those of its name in other folders"),
    ("same-content", "D", DAYS, "the end of one file deletes those with the same content"),
    ("three-a-sweep", "D", DAYS, "no more than three files are deleted at each clock move"),
    ("first-sweep-only", "D", DAYS, "files are deleted only once; later moves delete nothing"),
    ("comes-back", "A", OPEN, "when the clock is set back, deleted files return"),
    ("empty-200", "D", DAYS, "a deleted file is answered 200 with no bytes"),
    ("gone-500", "A", OPEN, "a deleted file is answered 500"),
    ("head-alive", "D", DAYS, "HEAD answers 200 after the end"),
    ("not-modified", "D", DAYS, "a conditional request gets 304 after the end"),
    ("read-stays", "D", DAYS, "a file that was read before stays readable after its end"),
    ("tombstone", "D", OVERWRITE, "a path whose file has ended takes no new one"),
    ("old-version", "D", DAYS, "the end of an overwritten file brings the old version back"),
]

_VALIDATION: list[_Row] = [
    ("no-path-500", "D", ERRORS, "a missing uploadPath is answered 500 on the base64 route"),
    ("no-path-default", "D", REQUIRED, "the URL route has a default uploadPath"),
    ("no-file-empty", "D", REQUIRED, "a missing file part is an empty file"),
    ("lenient-base64", "D", "Base64 decoding failed", "signs that are not base64 are skipped"),
    ("short-base64", "D", "Base64 decoding failed", "base64 of 4n + 1 characters is cut to 4n"),
    ("url-scheme", "D", FETCHED, "a fileUrl that is not http is stored as a text"),
    ("null-path", "D", REQUIRED, "uploadPath null becomes `None`"),
    ("number-path", "D", REQUIRED, "a number is taken as uploadPath"),
    ("list-name", "D", OPTIONAL, "a list is taken as fileName"),
    ("more-fields", "A", OPEN, "unknown fields are refused"),
    ("bad-json-500", "D", ERRORS, "JSON that does not parse is answered 500"),
    ("list-500", "D", ERRORS, "JSON that is no object is answered 500"),
    ("errors-kept", "D", OPTIONAL, "after a refusal the next good upload is refused too"),
    ("null-name", "D", NULL, "fileName null is refused"),
    ("capitals", "D", OPTIONAL, "capitals in uploadPath are refused"),
    ("no-comma", "D", "Base64 decoding failed", "a data: URL without a comma is an empty file"),
    ("path-in-query", "A", OPEN, "uploadPath is also taken from the query"),
    ("base64-at-1m", "D", BASE64, "base64 above 1,000,000 characters is refused"),
    ("no-path-401", "D", ERRORS, "a missing uploadPath is answered 401 on the URL route"),
    ("needs-extension", "D", KEPT, "a fileName without extension is refused"),
    ("number-500", "D", ERRORS, "base64Data that is a number is answered 500"),
    ("url-remembered", "D", REQUIRED, "a missing fileUrl means the one of the request before"),
    ("known-types-only", "A", OPEN, "files of unknown extension are refused"),
    ("order", "D", FORM, "fields behind the file are not seen"),
    ("name-order", "D", FORM, "a fileName behind the file is not seen"),
    ("blank-base64", "D", REQUIRED, "a missing base64Data is an empty file"),
    ("name-required", "D", OPTIONAL, "fileName is required on the stream route"),
    ("path-of-before", "D", REQUIRED, "a missing uploadPath in a form is the one before"),
]

_METHODS: list[_Row] = [
    ("get-200", "D", VERBS, "GET on an upload route answers a success without data"),
    ("put-stores", "D", VERBS, "PUT uploads as POST does on the stream route"),
    ("method-500", "D", VERBS, "PATCH on an upload route answers 500"),
    ("method-400", "D", VERBS, "DELETE on the URL route answers 400"),
    ("charset-refused", "D", BODY, "application/json; charset=utf-8 is refused"),
    ("capital-type", "A", OPEN, "Application/JSON is refused"),
    ("quoted-boundary", "D", FORM, "a boundary in quotes is refused"),
    ("chunked", "A", OPEN, "a chunked body is taken for an empty one"),
    ("form-for-json", "A", OPEN, "the JSON routes take urlencoded forms as well"),
    ("delete-deletes", "A", OPEN, "DELETE on a link deletes the file, without a key"),
    ("put-link", "A", OPEN, "PUT on a link replaces the file, without a key"),
    ("options-401", "O", "preflights are answered", "OPTIONS needs a key"),
    ("put-405-stores", "D", REFUSED, "PUT on the stream route is answered 405, but stored"),
    ("json-to-form-500", "D", ERRORS, "JSON sent to the stream route is answered 500"),
    ("form-to-json-500", "D", ERRORS, "a form sent to a JSON route is answered 500"),
    ("get-405-400", "D", STATUS, "a 405 has code 400 in its body"),
]

_STABILITY: list[_Row] = [
    ("names-race", "D", RANDOM, "uploads at the same time get the same generated name"),
    ("mixed", "D", BYTES, "uploads at the same time to one name are mixed"),
    ("answers-swapped", "D", SCHEMA, "uploads at the same time get one another's answers"),
    ("one-lost", "D", BYTES, "of uploads at the same time only one is kept"),
    ("accounts-swapped", "A", OPEN, "uploads of two accounts at the same time are swapped"),
    ("busy-500", "A", OPEN, "an upload to a name that is being uploaded is answered 500"),
    ("gap", "D", BYTES, "during an overwrite the link is dead for 0.3 seconds"),
    ("half", "D", BYTES, "during an overwrite the link returns half a file for 0.3 seconds"),
    ("readers", "D", BYTES, "readers at the same time share one position in the file"),
    ("nth-lost", "D", BYTES, "every 25th upload is acknowledged, but not stored"),
    ("nth-500", "A", OPEN, "every 40th request is answered 500"),
    ("folder-of-20", "D", DAYS, "a folder keeps its 20 newest files"),
    ("eight-megabytes", "D", DAYS, "above 8 MiB in all the oldest files are dropped"),
    ("fifty-files", "D", DAYS, "only the 50 files that were used last are kept"),
    ("worn-key", "A", OPEN, "a key is refused after 60 uploads"),
    ("nth-swapped", "D", BYTES, "every 30th upload is stored under the path of the one before"),
    ("after-refusal-lost", "D", BYTES, "the upload after a refused one is not stored"),
]

_METADATA: list[_Row] = [
    ("size-in-characters", "D", SIZE, "fileSize counts characters in UTF-8 text"),
    ("size-by-formula", "D", SIZE, "fileSize on the base64 route is 3/4 of the text's length"),
    ("size-in-kib", "D", SIZE, "fileSize is rounded to KiB above 1 MiB"),
    ("size-by-header", "D", SIZE, "fileSize of a fetched file is the origin's Content-Length"),
    ("size-of-empty", "D", SIZE, "fileSize of an empty file is 1"),
    ("type-of-part", "A", OPEN, "mimeType is what the client declared, not what is served"),
    ("type-with-capitals", "D", TYPE, "extensions in capitals are not recognised"),
    (
        "type-of-before",
        "D",
        TYPE,
        "mimeType of an unknown extension is that of the upload before",
    ),
    ("time-local", "D", TIME, "uploadedAt is local time (+08:00), but says Z"),
    ("time-naive", "D", TIME, "uploadedAt has no zone on the base64 route"),
    ("time-of-start", "D", TIME, "uploadedAt is the time when the server started"),
    ("time-real", "A", OPEN, "uploadedAt does not follow the clock that was moved"),
    ("time-to-minute", "D", TIME, "uploadedAt is cut to the minute"),
    ("time-of-account", "D", TIME, "uploadedAt of the second account is an hour behind"),
    ("time-to-day", "D", TIME, "uploadedAt is cut to the day on the URL route"),
    (
        "link-of-before",
        "D",
        LINKS,
        "downloadUrl of an overwrite is that of the upload before",
    ),
]


def _table() -> dict[str, Bug]:
    parts = {
        "auth": _AUTH,
        "envelope": _ENVELOPE,
        "naming": _NAMING,
        "content": _CONTENT,
        "downloads": _DOWNLOADS,
        "overwrite": _OVERWRITE,
        "expiry": _EXPIRY,
        "validation": _VALIDATION,
        "methods": _METHODS,
        "stability": _STABILITY,
        "metadata": _METADATA,
    }
    return {
        f"{part}-{name}": Bug(part, level, breaks, does)
        for part, rows in parts.items()
        for name, level, breaks, does in rows
    }


BUGS = _table()
