"""What a broken server of `tests.foreign` does wrong, by name; each is one small difference."""

from __future__ import annotations

from typing import Final

_CATALOGUE: Final = """
auth.after-the-body: A bad request without a valid key is answered 400 rather than 401.
auth.any-scheme: Every scheme is accepted, Basic and Token included, if the key follows.
auth.bare-key: The key is accepted without a scheme.
auth.base64-open: The base64 route asks for no key.
auth.case: Keys are compared without regard to case.
auth.downloads-judge-a-key: A download asks for no key, but a wrong one is refused.
auth.downloads-need-a-key: Downloads need a key.
auth.empty-key: An empty key after Bearer is accepted.
auth.first-eight: Only the first eight characters of a key are compared.
auth.none-accepted: A request without an Authorization header is accepted, a wrong key is not.
auth.prefix: The beginning of a key is accepted, from four characters on.
auth.refusal-deletes: A refused key deletes the file that the request names.
auth.same-length: Any key of the right length is accepted.
auth.second-key-refused: The base64 route knows the first account only.
auth.shared-account: All keys write into one account.
auth.status-403: A wrong key is answered 403.
auth.sticky-connection: After one valid key, the connection needs none any more.
auth.stored-all-the-same: A wrong key is answered 401, but the file is stored.
auth.stream-open: The stream route asks for no key.
auth.suffix: A valid key with more characters behind it is accepted.
auth.two-headers: Of two Authorization headers one valid one is enough.
auth.url-open: The URL route asks for no key.
concurrency.account-of-another: Simultaneous uploads of two accounts land in one of them.
concurrency.answer-of-another: Simultaneous uploads are answered with the facts of the last one.
concurrency.empty-under-load: With more than three uploads at a time, some files are stored empty.
concurrency.mixed-bodies: Simultaneous uploads to one name leave halves of both.
concurrency.readers-see-nothing: During an overwrite readers see an empty file.
concurrency.update-lost: Of simultaneous uploads to different names all but one are lost.
content.bad-base64-stored-as-text: Invalid base64 is answered 200 and stored as it came.
content.bad-base64-stored-empty: Invalid base64 is answered 200 and stored as an empty file.
content.base64-cut-at-1-mib: Base64 text is cut at 1 MiB.
content.base64-garbage-skipped: Characters outside the base64 alphabet are skipped.
content.base64-spaces-refused: Line breaks in base64 are refused.
content.base64-unpadded-accepted: Base64 without padding is accepted.
content.base64-unpadded-cut: Base64 without padding is accepted and loses its last group.
content.base64-url-safe-garbage: The URL-safe alphabet is accepted and decoded wrongly.
content.boundary-look-alike: A line that only begins like the boundary ends the part.
content.byte-lost-after-edge: The byte after the first 64 KiB is lost.
content.byte-order-mark-lost: A leading UTF-8 byte order mark is dropped.
content.crlf-to-lf: CRLF becomes LF.
content.cut-at-1-mib: A streamed file is cut at 1 MiB.
content.cut-at-5-mib: A file is cut at 5 MiB.
content.data-charset-refused: A data URL with a charset is refused.
content.data-prefix-decoded: The head of a data URL is decoded as if it were content.
content.data-text-stripped: White space at the ends of text in a data URL is lost.
content.data-without-type-refused: A data URL that names no type is refused.
content.eighth-bit-lost: A file sent as text/plain loses the eighth bit of its bytes.
content.empty-becomes-a-space: An empty file is stored as one space.
content.epilogue-appended: What follows the closing boundary is appended to a file in the last part.
content.gzip-unpacked: A gzip file is stored unpacked.
content.last-byte-lost-at-edge: A file of a multiple of 64 KiB loses its last byte.
content.latin-1-to-utf-8: Text that is not UTF-8 is taken for Latin-1 and recoded.
content.lf-to-crlf: In a file sent as text a lone LF becomes CRLF.
content.newline-added: A file sent as text/plain gets a newline at its end.
content.nul-truncates: A file ends at its first NUL.
content.percent-decoded: Percent triplets in a streamed file are decoded.
content.png-tail-cut: A PNG loses what follows its last chunk, and that chunk's checksum stays.
content.trailing-crlf-lost: A CRLF at the end of a file is lost.
content.trailing-newline-lost: An LF at the end of a file is lost.
content.trailing-nul-lost: NULs at the end of a file are lost.
content.utf-8-repaired: Streamed bytes of no known kind are made valid UTF-8.
download.above-1-mib-padded: A download above 1 MiB is padded with NULs to whole pages.
download.any-account: The account number in a link does not matter.
download.cache-header-missing: Downloads carry no Cache-Control.
download.deep-folders-unknown: Files in folders of more than four levels cannot be read.
download.etag-of-size: The ETag depends on the size alone.
download.folders-are-listed: Reading a folder lists its files.
download.head-has-no-length: HEAD says that the length is 0.
download.if-range-ignored: A range is sent although If-Range does not match.
download.large-cut: A download above 64 KiB lacks its last byte.
download.link-ignores-case: Links are compared without regard to case.
download.non-ascii-unknown: Links with characters beyond ASCII are not found.
download.plus-becomes-space: A plus sign in a link is read as a space.
download.range-beyond-is-empty: A range behind the end is answered with an empty 206.
download.range-end-exclusive: The last byte of a range is left out.
download.range-of-the-end-wrong: The last N bytes are answered with the first N.
download.range-open-end-short: A range without an end lacks the last byte of the file.
download.second-read-differs: The second read of a file gives its bytes backwards.
download.start-of-link: The beginning of a link is enough.
download.text-as-html: Plain text is served as text/html.
download.text-ends-with-newline: Text is served with a newline at its end.
download.type-always-octet-stream: Downloads are application/octet-stream, whatever the answer said.
download.type-by-name: The type of a download comes from its name, whatever the answer said.
download.unknown-is-500: An unknown link is answered 500.
download.unknown-is-empty-200: An unknown link is answered with an empty 200.
envelope.bad-request-in-200: Invalid base64 is refused inside HTTP 200.
envelope.byte-order-mark: Answers begin with a byte order mark.
envelope.code-is-text: `code` is text when an upload succeeds.
envelope.code-is-zero: `code` is 0 in bad requests.
envelope.code-of-401-is-400: HTTP 401 carries `code` 400.
envelope.created: An upload is answered 201.
envelope.data-is-list: `data` is a list of one.
envelope.errors-in-200: Every refusal comes inside HTTP 200.
envelope.file-url: The link is in `fileUrl`, as the quickstart says.
envelope.invalid-is-422: An invalid parameter is answered 422.
envelope.malformed-is-500: A malformed body is answered 500.
envelope.mime-missing-for-url: URL uploads are answered without `mimeType`.
envelope.missing-is-500: A missing parameter is answered 500.
envelope.msg-empty: `msg` is empty in refusals.
envelope.msg-missing-in-405: 405 carries no `msg`.
envelope.msg-named-message: Refusals say `message` in place of `msg`.
envelope.plain-401: 401 comes as plain text.
envelope.refusal-is-success: Bad requests say `success` true.
envelope.size-is-text: `fileSize` is text.
envelope.success-is-text: `success` is the text "true".
envelope.success-missing-in-401: 401 carries no `success`.
envelope.text-plain: JSON is labelled text/plain.
envelope.time-missing-on-overwrite: An overwrite is answered without `uploadedAt`.
envelope.unknown-route-is-200: A route that does not exist answers 200.
expiry.base64-one-day: Files of the base64 route live a third of the time.
expiry.empty-200: After its end a file is an empty 200.
expiry.end-of-day: Files live until the midnight after their time.
expiry.four-days: Files live four days in place of three.
expiry.from-server-start: All files end three days after the server started.
expiry.head-prolongs: HEAD prolongs a file's life.
expiry.head-still-200: HEAD answers 200 after the end.
expiry.hour-early: Files end an hour early.
expiry.hour-late: Files end an hour late.
expiry.large-one-day: Files above 1 MiB live a third of the time.
expiry.name-is-burnt: A name whose file ended is accepted, but cannot be read again.
expiry.never: Files never end.
expiry.old-version-returns: When an overwritten file ends, its former version comes back.
expiry.one-day: Files live 24 hours.
expiry.one-more-read: After its end a file can be read once more.
expiry.range-still-served: Ranges are served after the end.
expiry.reading-prolongs: Reading prolongs a file's life.
expiry.refusal-in-200: After its end a file is a refusal inside HTTP 200.
expiry.refusal-prolongs: A refused upload prolongs the life of the file it names.
expiry.refused-key-prolongs: An upload with a wrong key prolongs the life of the file it names.
expiry.siblings-prolonged: An upload prolongs the life of the other files in its folder.
expiry.status-500: After its end a file is a 500.
expiry.takes-a-neighbour: The end of a file takes another one in its folder along.
expiry.takes-same-names: The end of a file takes those of the same name in other folders along.
expiry.takes-the-folder: The end of a file takes its whole folder along.
expiry.two-days: Files live two days in place of three.
expiry.url-never: Files of the URL route never end.
input.any-scheme-fetched: A `fileUrl` that is no http URL is stored as an empty file.
input.charset-refused: A Content-Type with a charset is refused.
input.chunked-refused: Chunked bodies are refused.
input.control-characters-dropped: Control characters in `uploadPath` are dropped, not refused.
input.dot-dot-climbs: `..` in `uploadPath` climbs to the folder above.
input.empty-file-refused: An empty streamed file is refused.
input.expect-refused: Expect: 100-continue is refused.
input.extra-refused: Unknown fields are refused.
input.fetched-error-page-stored: The error page of a dead URL is stored as the file.
input.file-missing-accepted: A form without `file` is stored as an empty file.
input.filename-star-refused: A file part with `filename*` is refused.
input.long-path-refused: A path or name of more than 100 characters is refused.
input.name-after-file-lost: `fileName` behind the file is overlooked.
input.name-number-accepted: A number as `fileName` is accepted.
input.null-name-refused: `fileName` null is refused.
input.path-empty-accepted: An empty `uploadPath` is accepted.
input.path-missing-accepted: A missing `uploadPath` is accepted.
input.path-must-precede-file: `uploadPath` behind the file is not seen.
input.path-null-accepted: `uploadPath` null becomes a folder of that name.
input.path-number-accepted: A number as `uploadPath` is accepted.
input.preamble-refused: A form with a preamble is refused.
input.quoted-boundary-refused: A boundary in quotes is refused.
input.refusal-changes-type: A refused upload changes the type of the file it names.
input.refusal-deletes: A refused upload deletes the file it names.
input.refusal-stores-empty: A refused upload leaves an empty file under a new name.
input.refusal-truncates: A refused upload empties the file it names.
input.source-missing-accepted: JSON without base64Data or fileUrl is accepted.
input.type-in-capitals-refused: A media type in capitals is refused.
input.unfetchable-stored-empty: A URL that cannot be fetched is stored as an empty file.
metadata.image-jpg: The type of a JPEG is image/jpg in the answer.
metadata.link-of-previous: The link is that of the upload before.
metadata.link-plus-for-space: A space is a plus sign in the link.
metadata.link-raw-hash: `#` and `?` stand unencoded in the link.
metadata.link-raw-percent: `%` stands unencoded in the link.
metadata.local-time-z: `uploadedAt` is a local time that claims to be UTC.
metadata.mime-octet-for-url: The type of URL uploads is application/octet-stream in the answer.
metadata.mime-of-upload: The type of a streamed file is multipart/form-data in the answer.
metadata.name-in-lower-case: `fileName` is in lower case in the answer alone.
metadata.name-with-folder: `fileName` carries the folder.
metadata.path-encoded: `filePath` is percent-encoded.
metadata.path-leading-slash: `filePath` begins with a slash.
metadata.path-without-subfolders: `filePath` names the first folder only.
metadata.size-in-characters: `fileSize` counts the characters of UTF-8 text.
metadata.size-in-kib: Above 1 MiB, `fileSize` is rounded down to KiB.
metadata.size-of-base64: `fileSize` counts the base64 text.
metadata.size-of-old: After an overwrite, `fileSize` is that of the file before.
metadata.size-off-above-5-mib: Above 5 MiB, `fileSize` is one too small.
metadata.time-of-first: After an overwrite, `uploadedAt` is that of the first upload.
metadata.time-of-start: `uploadedAt` is the start of the server.
metadata.time-without-zone: `uploadedAt` has no zone.
method.delete-deletes: DELETE on a link deletes the file.
method.delete-is-400: DELETE on an upload route is answered 400.
method.get-is-200: GET on an upload route is answered 200.
method.get-is-500: GET on an upload route is answered 500.
method.patch-is-500: PATCH on an upload route is answered 500.
method.plain-405: 405 comes as plain text.
method.post-reads-links: POST on a link reads the file.
method.put-uploads: PUT uploads as POST does.
method.status-404: A wrong method is answered 404.
naming.backslash-becomes-slash: Of a name with a backslash only the rest behind it is kept.
naming.collides-in-a-millisecond: Names generated within one millisecond are equal.
naming.composed: Names are normalised to composed characters.
naming.control-characters-dropped: Control characters in a name are dropped, not refused.
naming.cut-at-quote: A name ends at a quotation mark.
naming.cut-at-semicolon: In a form, a name ends at a semicolon.
naming.decomposed: Names are normalised to decomposed characters.
naming.double-dots-collapsed: Dots in a row become one.
naming.emoji-dropped: Characters beyond the basic plane are dropped from names.
naming.empty-is-generated: An empty name counts as none.
naming.extension-added: A name without extension gets one.
naming.extension-lower-case: The extension becomes lower case.
naming.extension-of-content: An extension that contradicts the content is replaced.
naming.folder-cut-at-four: A path keeps its first four folders only.
naming.folder-lower-case: The path becomes lower case.
naming.folder-percent-decoded: Percent triplets in a path are decoded.
naming.form-as-latin-1: Text fields of a form are read as Latin-1.
naming.generated-by-content: Equal contents get equal generated names.
naming.generated-extension-is-bin: Generated names end in .bin.
naming.generated-is-original: Without `fileName`, the sender's own name for the file is used.
naming.generated-without-extension: Generated names have no extension.
naming.given-ignored-for-base64: `fileName` is overlooked on the base64 route.
naming.given-ignored-for-url: `fileName` is overlooked on the URL route.
naming.html-escaped: `&` in a name becomes `&amp;`.
naming.leading-dot-lost: A name loses the dot it begins with.
naming.lower-case: Names become lower case.
naming.non-ascii-replaced: Characters beyond ASCII become underscores.
naming.null-is-a-word: `fileName` null becomes the name "null".
naming.percent-decoded: Percent triplets in a name are decoded.
naming.plus-becomes-space: A plus sign in a name becomes a space.
naming.slash-becomes-dash: A slash in a name becomes a dash, it is not refused.
naming.space-becomes-underscore: A space in a name becomes an underscore.
naming.spaces-collapsed: Spaces in a row become one.
naming.stripped: Spaces at the ends of a name are lost.
naming.tenth-repeats-ninth: At every tenth upload the last generated name is used again.
naming.truncated-at-200-bytes: A name is cut at 200 bytes.
naming.truncated-at-64: A name is cut at 64 characters.
naming.url-plus-becomes-space: A plus sign in the name that a URL gives becomes a space.
overwrite.appends: The new content is appended to the old.
overwrite.cached-once-read: Once read, a file serves its old bytes for ever.
overwrite.does-not-restart-life: An overwritten file ends with its first upload.
overwrite.empty-ignored: An overwrite with an empty file is overlooked.
overwrite.fifth-lost: Every fifth upload to one name is lost.
overwrite.first-wins: The old file stays, whatever the answer says.
overwrite.ignores-case: A name that differs in case alone overwrites.
overwrite.keeps-etag: The ETag stays after an overwrite.
overwrite.keeps-tail: Of a longer old file the tail stays.
overwrite.keeps-type: The download keeps the type of the old file.
overwrite.link-changes: An overwrite gets a new link.
overwrite.lives-for-ever: A file that was overwritten never ends.
overwrite.numbered: The same name again becomes `name(1)`.
overwrite.refused: The same name again is refused with 400.
overwrite.same-name-elsewhere: Files of the same name in other folders are overwritten as well.
overwrite.same-size-ignored: An overwrite of the same size is overlooked.
overwrite.same-start-ignored: An overwrite that begins with the same 16 bytes is overlooked.
overwrite.shorter-ignored: An overwrite that is shorter is overlooked.
overwrite.url-ignored: An overwrite by the URL route is overlooked.
overwrite.within-one-route: An overwrite works within one route only.
overwrite.works-once: The second overwrite of a file is overlooked.
stability.fifth-read-empty: From the fifth read on a file is empty.
stability.fortieth-is-500: Every fortieth upload is answered 500.
stability.hundred-files-only: With more than a hundred files the oldest is dropped.
stability.large-evicts-large: A file above 1 MiB drops the others of that size.
stability.tenth-read-gone: From the tenth read on a file is gone.
stability.thirty-first-drops-first: With more than thirty files in a folder the oldest is dropped.
stability.twentieth-upload-lost: Every twentieth upload is answered 200 and lost.
"""

_AIMED: Final = """
auth.copies-need-a-header: Files of the URL route are read with an Authorization header only.
auth.empty-object-first: An empty JSON object is answered 400 whatever its key.
auth.form-without-path-first: A form without uploadPath is answered 400 whatever its key.
auth.large-is-plain: Without a key, a body above 1 MiB is answered 401 as plain text.
auth.large-stored: Without a key, a body above 1 MiB is answered 401, but stored.
auth.other-scheme-is-plain: Another scheme than Bearer is answered 401 as plain text.
auth.second-overwrites-first: An upload of the second account changes the first one's file, too.
auth.subfolders-are-open: An upload to a folder of three names needs no key.
auth.suffix-stored: A key with more characters behind it is answered 401, but the file is stored.
concurrency.links-of-their-own: Simultaneous uploads to one name have a link each.
concurrency.size-of-another: Simultaneous uploads are answered with the size of the last one.
content.a-lone-line-of-dashes-lost: A file that is a single line with dashes is stored empty.
content.base64-later: Base64 files of 33 to 63 bytes can be read when they were replaced.
content.charset-of-form-applied: Files of a form whose type has a charset are read as UTF-8.
content.chunked-cut: A file that came in a chunked body loses its last byte.
content.gif-extension-lost: A GIF loses its graphic control extension.
content.head-inside-lost: What looks like the head of a part inside a file is dropped.
content.latin-1-recoded: A part that says ISO 8859-1 is recoded to UTF-8.
download.cache-shared-by-accounts: What was read at a path is given at that path of both accounts.
download.copies-with-plus-unknown: Links of the URL route with a plus sign in them are not found.
download.head-204: HEAD is answered 204.
download.html-as-text: HTML is served as plain text.
download.image-jpg: JPEG is served as `image/jpg`.
download.leading-dash-unknown: Links of names that start with a dash are not found.
download.open-range-in-200: A range without an end is answered 200.
envelope.msg-missing-for-data-urls: The refusal of a data URL has no `msg`.
envelope.msg-missing-for-ftp: The refusal of an ftp URL has no `msg`.
expiry.back-after-a-week: Ten days after its upload a file is back.
expiry.early-overwrite-prolongs: A file that is replaced on its first day lives an hour longer.
expiry.ended-folder-is-closed: What is uploaded to a folder in which a file has ended is gone.
expiry.hides-the-same-content: With a file, others of the same content end until the next upload.
expiry.inspected-and-read-early: A file that was inspected, and read thrice, ends an hour early.
expiry.inspected-and-read-late: What was inspected, and read thrice, is read two minutes longer.
expiry.late-overwrite-prolongs: A file that is replaced on its second day lives an hour longer.
expiry.middle-sized-four-days: Files between 64 KiB and 1 MiB live four days.
expiry.old-bytes-at-a-free-name: At the path of a file that has ended its bytes are served again.
expiry.pause-at-two-days: Two days after its upload a link is dead for two hours.
expiry.second-account-two-days: Files of the second account live 48 hours.
expiry.second-life-longer: A file at the path of one that has ended lives four days.
expiry.second-life-shorter: A file at the path of one that has ended lives two days.
expiry.second-version-early: A file that was replaced once ends two hours early.
expiry.shared-content-stays: A file stays as long as a younger one has the same content.
expiry.third-version-early: From the third upload to a name on, a file ends two hours early.
input.bad-base64-is-422: What is no base64 is answered 422.
input.edge-slashes-lead-nowhere: A slash at the end of `uploadPath` is accepted; the link is dead.
input.error-page-of-an-origin-stored: The error page of a strange host is stored as the file.
input.json-form-is-415: JSON sent to the stream route is answered 415.
input.missing-source-truncates: A request without a source empties the file that it names.
input.strange-host-stored-empty: A URL of a host that is not there is stored as an empty file.
input.text-is-415: A body of plain text is answered 415.
metadata.link-with-encoded-slashes: The slashes of the path are percent-encoded in the link.
metadata.link-with-raw-umlaut: The letter u with dots is not percent-encoded in the link.
metadata.link-without-scheme: `downloadUrl` of a data URL of unknown type starts with two slashes.
metadata.path-of-copies-without-emoji: `filePath` of the URL route loses emoji.
metadata.path-of-generated-cut: `filePath` of a generated name has no extension.
metadata.path-without-entities: `filePath` has `&` for `&amp;`.
metadata.path-without-leading-dash: `filePath` loses dashes at the start of a name.
metadata.size-of-a-lone-line: `fileSize` of a single line with dashes leaves out its line break.
metadata.size-of-copies-in-characters: `fileSize` of the URL route counts the characters of UTF-8.
metadata.size-of-gifs-without-extensions: `fileSize` of a GIF leaves its extensions out.
metadata.size-of-html-forms: `fileSize` of HTML by the stream route is one too small.
metadata.size-of-small-predecessor: `fileSize` of what replaces 32 to 64 bytes is theirs.
metadata.size-of-svg: `fileSize` of an SVG is one too small.
metadata.size-of-the-third: The third `fileSize` of a name is that of its second upload.
metadata.size-with-a-form-inside: `fileSize` of a file that has a form in it is one too small.
metadata.size-without-mark: `fileSize` leaves out a byte order mark.
metadata.time-jitters: Every other new file is dated two seconds early.
metadata.time-with-offset: `uploadedAt` has the offset of Shanghai.
metadata.type-without-slash: The type of an unknown file is `unknown`.
naming.extension-of-subtype: The extension of a generated name is all of `svg+xml`.
naming.leading-dash-lost: A dash at the start of a name is lost.
naming.png-without-extension: A generated name of a PNG has the sender's extension only.
naming.repeated-behind-a-given-one: Behind an upload with a name, the last generated one repeats.
naming.second-account-ascii: Characters beyond ASCII in names of the second account become `?`.
overwrite.data-url-stays: A data URL replaces no file.
overwrite.fetched-link-is-frozen: Once fetched by a URL upload, a link serves its old bytes.
overwrite.first-bytes-at-their-end: When they would have ended, the first bytes of a file are back.
overwrite.generated-moves: A file whose name was generated gets a new link when it is replaced.
overwrite.generated-stays: A file whose name was generated is never replaced.
overwrite.same-first-4-kib-ignored: An overwrite of the same size and first 4 KiB is overlooked.
overwrite.short-is-cached: Of 9 to 15 bytes that were read, readers without an ETag see the old.
overwrite.third-moves: From the third upload to a name on, it has a new link.
overwrite.url-over-base64-moves: A URL upload over a base64 one has a new link.
stability.even-reads-empty: Every other read of a small file of unknown type is empty.
stability.first-goes-after-forty: With the fortieth upload the first file goes.
stability.first-upload-later: The first file can be read once there is a second.
"""


def _named(catalogue: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in catalogue.strip().splitlines())


AIMED: Final[dict[str, str]] = _named(_AIMED)
"""Made with the suite in view, each for an assertion that no other bug needed.

They say of each assertion what it is good for, and nothing of how much the suite finds.
"""
BUGS: Final[dict[str, str]] = {**_named(_CATALOGUE), **AIMED}

# What these break is assumed or observed only: a judge may let them pass.
ASSUMED: Final = frozenset(
    """
    auth.two-headers auth.shared-account auth.second-overwrites-first
    concurrency.account-of-another download.cache-shared-by-accounts download.head-204
    input.json-form-is-415 input.text-is-415
    content.base64-garbage-skipped content.base64-spaces-refused content.base64-unpadded-accepted
    content.base64-url-safe-garbage content.boundary-look-alike content.empty-becomes-a-space
    download.cache-header-missing download.any-account download.folders-are-listed
    download.etag-of-size download.head-has-no-length download.if-range-ignored
    download.range-beyond-is-empty download.range-end-exclusive download.range-of-the-end-wrong
    download.range-open-end-short download.link-ignores-case download.start-of-link
    download.open-range-in-200
    download.unknown-is-500 download.unknown-is-empty-200
    envelope.invalid-is-422 envelope.malformed-is-500 envelope.unknown-route-is-200
    expiry.range-still-served expiry.head-still-200
    input.control-characters-dropped input.dot-dot-climbs input.empty-file-refused
    input.extra-refused input.name-number-accepted input.path-number-accepted
    input.preamble-refused method.delete-deletes method.post-reads-links
    naming.control-characters-dropped naming.empty-is-generated naming.generated-is-original
    naming.slash-becomes-dash naming.url-plus-becomes-space overwrite.empty-ignored
    overwrite.keeps-etag
    """.split()
)
