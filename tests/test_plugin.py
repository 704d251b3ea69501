"""The fixtures as users' suites meet them: whole runs of pytest over little suites."""

from __future__ import annotations

import re
import subprocess
import sys
import unittest
from pathlib import Path

import pytest

import mockkie

pytest_plugins = ["pytester"]

LEAN = [f"-pno:{name}" for name in ("schemathesis", "hypothesispytest", "anyio", "cov")]
"""Other installed plugins take their time, and import what they like."""

UPLOAD = """
    def upload(kie, path="docs/a.txt", content=b"hello", key=None):
        folder, _, name = path.rpartition("/")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return kie.client.post(
            "/api/file-stream-upload",
            headers=headers,
            files={"file": (name, content)},
            data={"uploadPath": folder, "fileName": name},
        )
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder for a little suite whose warnings are errors, apart from ours."""
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    pytester.makepyfile(helper=UPLOAD)
    return pytester


def passed(suite: pytest.Pytester, source: str, *options: str, **outcomes: int) -> None:
    suite.makepyfile(test_it=source)
    result = suite.runpytest(*options)
    result.assert_outcomes(**(outcomes or {"passed": 1}))


def test_a_world_per_test(suite: pytest.Pytester) -> None:
    passed(
        suite,
        """
        import pytest
        from helper import upload

        seen = []

        @pytest.mark.parametrize("content", [b"one", b"two"])
        def test_same_path(kie, kie_server, content):
            assert dict(kie.files) == {}
            assert len(kie.journal) == 0
            answer = upload(kie, content=content)
            assert answer.status_code == 200
            link = answer.json()["data"]["downloadUrl"]
            assert kie.client.get(link).content == content
            kie.clock.advance(days=1)
            seen.append((kie.key, kie.world.id, link))
            assert kie.base_url == kie_server.base_url

        def test_the_worlds_are_gone(kie, kie_server):
            import httpx2

            assert len({key for key, _, _ in seen}) == 2
            assert kie.clock.offset.total_seconds() == 0
            known = [world.id for world in kie_server._service.worlds]
            assert known == ["default", kie.world.id]
            for key, world, link in seen:
                assert upload(kie, key=key).status_code == 401
                assert kie.client.get(link).status_code == 404
            assert kie_server.nested == [kie]
        """,
        passed=3,
    )


def test_the_clock(suite: pytest.Pytester) -> None:
    passed(
        suite,
        """
        from datetime import UTC, datetime, timedelta

        import pytest
        from helper import upload

        def test_clock(kie):
            for _ in range(20):  # setting and freezing are one step: no time goes by in between
                start = kie.clock.freeze("2025-01-01T12:00:00Z")
                assert kie.clock.resume() >= start
                assert start == datetime(2025, 1, 1, 12, tzinfo=UTC)
            start = kie.clock.freeze("2025-01-01T12:00:00Z")
            assert start == datetime(2025, 1, 1, 12, tzinfo=UTC)
            assert kie.clock.frozen
            data = upload(kie).json()["data"]
            assert data["uploadedAt"] == "2025-01-01T12:00:00.000Z"
            file = kie.files["docs/a.txt"]
            assert file.uploaded_at == start
            assert file.expires_at == start + timedelta(days=3)
            assert kie.clock.advance(days=2, hours=23, minutes=59, seconds=59, milliseconds=999)
            assert kie.client.get(data["downloadUrl"]).status_code == 200
            kie.clock.advance(milliseconds=1)
            assert kie.client.get(data["downloadUrl"]).status_code == 404
            assert "docs/a.txt" not in kie.files
            assert kie.clock.advance("P1D") - kie.clock.advance(timedelta(0)) == timedelta(0)
            assert kie.clock.now == start + timedelta(days=4)
            assert kie.clock.set(datetime(2024, 1, 1, tzinfo=UTC)).year == 2024
            assert kie.clock.advance("P1W", hours=1) == datetime(2024, 1, 8, 1, tzinfo=UTC)
            for wrong in (-1, 10**12, float("nan")):
                with pytest.raises(ValueError):
                    kie.clock.advance(days=wrong)
            with pytest.raises(ValueError, match="zone"):
                kie.clock.set("2025-01-01T12:00:00")
            with pytest.raises(ValueError, match="zone"):
                kie.clock.set(datetime(2025, 1, 1))
            assert kie.clock.resume() >= datetime(2024, 1, 8, 1, tzinfo=UTC)
            assert not kie.clock.frozen
            assert kie.clock.reset().year > 2024
            assert kie.clock.offset == timedelta(0)
        """,
    )


def test_files_and_journal(suite: pytest.Pytester) -> None:
    passed(
        suite,
        """
        import pytest
        from collections.abc import Mapping
        from helper import upload

        def test_files(kie):
            assert isinstance(kie.files, Mapping)
            upload(kie, "docs/b.txt", b"bb")
            link = upload(kie, "docs/a b.txt", b"a").json()["data"]["downloadUrl"]
            assert list(kie.files) == ["docs/a b.txt", "docs/b.txt"]
            assert len(kie.files) == 2
            assert "docs/b.txt" in kie.files
            assert kie.files.get("docs/none") is None
            file = kie.files["docs/a b.txt"]
            assert (file.path, file.name, file.size) == ("docs/a b.txt", "a b.txt", 1)
            assert file.mime == "text/plain"
            assert file.download_url == link
            assert kie.files.read("docs/b.txt") == b"bb"
            with pytest.raises(KeyError, match="among the live files: docs/a b.txt, docs/b.txt"):
                kie.files["docs/c.txt"]
            kie.files.delete("docs/b.txt")
            with pytest.raises(KeyError):
                kie.files.delete("docs/b.txt")
            with pytest.raises(KeyError):
                kie.files.read("docs/b.txt")
            kie.files.clear()
            with pytest.raises(KeyError, match="among the live files: none"):
                kie.files["docs/a b.txt"]

        def test_journal(kie):
            upload(kie)
            upload(kie, "../x.txt")
            assert len(kie.journal) == 2
            assert [entry.status for entry in kie.journal] == [200, 400]
            assert kie.journal[-1].decision == "refused"
            assert kie.journal.refused == [kie.journal[1]]
            assert "uploadPath" in kie.journal[1].why
            assert str(kie.journal).splitlines()[0] == (
                "POST /api/file-stream-upload 200  [kept docs/a.txt, 5 bytes, text/plain]"
            )
            assert kie.journal.evicted == 0
            kie.journal.clear()
            assert list(kie.journal) == []

        def test_reset(kie):
            upload(kie)
            kie.clock.freeze()
            kie.reset()
            assert (len(kie.files), len(kie.journal), kie.clock.frozen) == (0, 0, False)
        """,
        passed=3,
    )


def test_clients_that_read_the_environment(suite: pytest.Pytester) -> None:
    passed(
        suite,
        """
        import os
        import httpx2

        def test_environment(kie, monkeypatch):
            for name, value in kie.env.items():
                monkeypatch.setenv(name, value)
            answer = httpx2.post(
                os.environ["KIE_UPLOAD_URL"],
                headers={"Authorization": f"Bearer {os.environ['KIE_API_KEY']}"},
                files={"file": ("a.txt", b"x")},
                data={"uploadPath": "docs"},
            )
            assert answer.status_code == 200
            assert os.environ["KIE_BASE_URL"] == kie.base_url
            assert len(kie.files) == 1
            assert kie.key in repr(kie.headers) and kie.key not in repr(kie)
        """,
    )


def test_async_on_a_socket_and_in_process(suite: pytest.Pytester) -> None:
    backends = ["asyncio", *(["trio"] if has("trio") else [])]
    passed(
        suite,
        f"""
        import pytest

        pytestmark = pytest.mark.anyio

        @pytest.fixture(params={backends})
        def anyio_backend(request):
            return request.param

        async def use(kie):
            async with kie.async_client as client:
                answer = await client.post(
                    "/api/file-stream-upload",
                    files={{"file": ("a.txt", b"hello")}},
                    data={{"uploadPath": "docs", "fileName": "a.txt"}},
                )
                assert answer.status_code == 200, answer.text
                link = answer.json()["data"]["downloadUrl"]
                assert (await client.get(link)).content == b"hello"
                assert kie.files.read("docs/a.txt") == b"hello"
                assert kie.files["docs/a.txt"].download_url == link
                kie.clock.advance(days=3)
                gone = await client.get(link)
                assert gone.status_code == 404
                assert gone.headers["x-mockkie-why"].startswith("the file expired")
                assert [entry.status for entry in kie.journal] == [200, 200, 404]

        async def test_socket(kie):
            await use(kie)

        async def test_in_process(kie_app):
            assert kie_app.base_url == "http://kie.test"
            with pytest.raises(RuntimeError, match="only async_client"):
                kie_app.client
            await use(kie_app)
            other = kie_app.new_world()
            assert (len(other.files), other.key == kie_app.key) == (0, False)
            await use(other)

        async def test_both(kie, kie_app):
            await use(kie)
            await use(kie_app)
        """,
        passed=3 * len(backends),
    )


def has(module: str) -> bool:
    from importlib.util import find_spec  # noqa: PLC0415 - for this only

    return find_spec(module) is not None


def test_nested_worlds_go_with_theirs(suite: pytest.Pytester) -> None:
    passed(
        suite,
        """
        import pytest
        from helper import upload

        def test_nested(kie, kie_server):
            other = kie.new_world()
            deepest = other.new_world()
            upload(other)
            assert list(kie.files) == list(deepest.files) == []
            other.clock.advance(days=3)
            assert kie.clock.offset.total_seconds() == 0
            assert deepest.base_url == kie.base_url
            dropped = kie.new_world()
            assert kie.nested == [other, dropped]
            dropped.drop()
            dropped.drop()
            assert kie.nested == [other]
            with pytest.raises(ValueError, match="default world stays"):
                kie_server.drop()

        def test_afterwards(kie_server):
            assert len(list(kie_server._service.worlds)) == 1

        def test_dropped_by_hand(kie):
            kie.drop()
        """,
        passed=3,
    )


FAILING = """
    import pytest
    from helper import upload

    def test_fails(kie):
        kie.clock.freeze("2030-01-02T03:04:05Z")
        upload(kie, "docs/a.txt")
        upload(kie, "../b.txt")
        upload(kie, key="a-wrong-secret")
        upload(kie.new_world(), "docs/nested.txt")
        assert False

    def test_passes(kie):
        upload(kie, "docs/unseen.txt")
        upload(kie, key="another-wrong-secret")

    def test_without():
        assert False

    def test_quiet(kie):
        assert False

    @pytest.fixture
    def broken(kie):
        upload(kie, "docs/setup.txt")
        raise RuntimeError

    def test_setup(broken):
        pass

    @pytest.mark.xfail(strict=True)
    def test_expected(kie):
        upload(kie, "docs/expected.txt")
        assert False
"""


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_a_failure_explains_itself(suite: pytest.Pytester, options: tuple[str, ...]) -> None:
    suite.makepyfile(test_it=FAILING)
    result = suite.runpytest_subprocess(*LEAN, *options)
    result.assert_outcomes(passed=1, failed=3, errors=1, xfailed=1)
    text = result.stdout.str()
    result.stdout.fnmatch_lines_random(
        [
            "*- mockkie: journal (world-*) -*",
            "   1  POST /api/file-stream-upload 200  [[]kept docs/a.txt, 5 bytes, text/plain[]]",
            "   2  POST /api/file-stream-upload 400  *uploadPath*",
            "      clock: 2030-01-02 03:04:05 UTC",
            "      file: docs/a.txt",
            "   1  POST /api/file-stream-upload 200  [[]kept docs/nested.txt, 5 bytes, *",
            "*- mockkie: requests without a known key (default) -*",
            "*  POST /api/file-stream-upload 401  no world has this key*",
            "   1  POST /api/file-stream-upload 200  [[]kept docs/setup.txt, 5 bytes, *",
        ]
    )
    assert "unseen" not in text
    assert "docs/expected" not in text
    assert text.count("without a known key") == 1
    assert text.count("- mockkie: ") == 5
    # xdist reports in any order.
    reports = re.split(r"\n(?:_{3,}|={3,}) ", text)
    without = [report for report in reports if report.startswith("test_without")]
    assert len(without) == 1
    assert "kept" not in without[0]


def test_a_long_journal_is_cut(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_it="""
        from helper import upload

        def test_many(kie):
            for number in range(35):
                upload(kie, f"docs/{number:02}.txt")
            assert False
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["      … 5 earlier entries", "   6  POST *05.txt*", "  35  POST *"]
    )
    assert "   5  POST" not in result.stdout.str()


def test_parallel_workers(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_it="""
        import pytest
        from helper import upload

        @pytest.mark.parametrize("number", range(12))
        def test_same_path(kie, number):
            answer = upload(kie, content=str(number).encode())
            assert kie.client.get(answer.json()["data"]["downloadUrl"]).text == str(number)
            assert len(kie.files) == 1
            kie.clock.advance(days=number)
        """
    )
    suite.runpytest_subprocess(*LEAN, "-n", "2").assert_outcomes(passed=12)


def test_runs_without_a_mock_pay_nothing(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_it="""
        import sys

        def test_nothing():
            heavy = {"starlette", "uvicorn", "httpx2", "multipart", "jsonschema_rs", "mockkie.kie"}
            assert heavy.isdisjoint(sys.modules)
            assert "mockkie.pytest_plugin" in sys.modules
        """
    )
    suite.runpytest_subprocess(*LEAN).assert_outcomes(passed=1)


def test_the_plugin_can_be_left_out(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_it="def test_it(kie): pass")
    result = suite.runpytest("-p", "no:mockkie")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'kie' not found*"])


def test_the_fixtures_are_described(suite: pytest.Pytester) -> None:
    result = suite.runpytest("--fixtures", "-v")
    for name in ("kie ", "kie_app ", "kie_server "):
        result.stdout.fnmatch_lines([f"{name}*mockkie*pytest_plugin.py*", "    [A-Z]*"])


def test_without_pytest(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, unittest, mockkie\n"
        "class Uploads(unittest.TestCase):\n"
        "    def setUp(self):\n"
        "        self.kie = self.enterContext(mockkie.serve())\n"
        "    def test_upload(self):\n"
        "        answer = self.kie.client.post('/api/file-stream-upload',\n"
        "            files={'file': ('a.txt', b'x')}, data={'uploadPath': 'docs'})\n"
        "        self.assertEqual(answer.status_code, 200)\n"
        "        self.assertEqual(len(self.kie.files), 1)\n"
        "        self.assertNotIn('pytest', sys.modules)\n"
        "unittest.main()\n"
    )
    subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", str(script)],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )


class UsedByUnittest(unittest.TestCase):
    """Pytest runs such classes too, and gives them fixtures by `autouse`."""

    kie: mockkie.Kie

    @pytest.fixture(autouse=True)
    def _world(self, kie: mockkie.Kie) -> None:
        self.kie = kie

    def test_a_world(self) -> None:
        self.kie.client.post(
            "/api/file-stream-upload", files={"file": ("a.txt", b"x")}, data={"uploadPath": "docs"}
        )
        assert len(self.kie.files) == 1
