"""Real S3 servers on loopback: Ceph's radosgw in a temporary folder, and moto. No mock of ours.

`python -m tests.s3_servers` starts radosgw and prints the environment of a mock that uses it.
"""

from __future__ import annotations

import dataclasses
import logging
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from tests.loopback import answers, free_port, kept

PACKAGES: Final = {
    "ceph": "ceph-common",
    "ceph-mon": "ceph-mon",
    "ceph-osd": "ceph-osd",
    "radosgw": "radosgw",
}
"""The programs that `radosgw` needs, and Debian's packages that have them."""

_PATIENCE: Final = 60.0
_CONFIGURATION: Final = """\
[global]
fsid = {fsid}
run_dir = {folder}
crash_dir = {folder}
log_file = {folder}/$name.log
log_to_stderr = false
err_to_stderr = false
admin_socket =
keyring = {folder}/keyring
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_client_mode = crc
ms_bind_ipv6 = false
ms_bind_msgr1 = false
mon_host = v2:127.0.0.1:{monitor}
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
mon_allow_pool_size_one = true
mon_data_avail_warn = 0
mon_data_avail_crit = 0
mon_max_pg_per_osd = 1000
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_objectstore = memstore
osd_memory_target = 939524096
memstore_device_bytes = 8589934592
mon_cluster_log_to_file = false
debug_ms = 0/0
debug_mon = 0/0
debug_osd = 0/0
debug_paxos = 0/0
debug_rgw = 0/0
debug_rocksdb = 0/0
[mon.a]
mon_data = {folder}/mon
[osd.0]
osd_data = {folder}/osd
[client.rgw]
rgw_data = {folder}/rgw
rgw_frontends = beast endpoint=127.0.0.1:{gateway} tcp_nodelay=1
rgw_enable_apis = s3
rgw_rados_pool_pg_num_min = 1
rgw_override_bucket_index_max_shards = 1
rgw_dynamic_resharding = false
rgw_gc_obj_min_wait = 30
rgw_gc_processor_period = 10
rgw_gc_processor_max_time = 10
rgw_lc_debug_interval = {day}
"""
# memstore: nothing is written to a disk, so all is there in a second. paxos: a change of the
# cluster's map waits for a second otherwise, and each pool is two changes. tcp_nodelay: without
# it an answer with a body waits for 40 ms. rgw_gc: deleted bytes stay in memory for two hours
# otherwise.


@dataclasses.dataclass(frozen=True)
class S3:
    """A bucket on a running server, and the key to it."""

    endpoint: str
    bucket: str = "mockkie"
    region: str = "us-east-1"
    key_id: str = "mockkie-key-id"
    secret: str = "mockkie-secret"  # noqa: S105 - of a server on loopback

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process has to have in its environment to use the bucket."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ALLOW_HTTP": "true",
        }

    def at(self, endpoint: str) -> S3:
        """The same bucket by another way, such as a proxy."""
        return S3(endpoint, self.bucket, self.region, self.key_id, self.secret)

    def client(self) -> Any:
        """A boto3 client: another judge of what is there than the library that is tested."""
        import boto3  # noqa: PLC0415 - most tests do without

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.key_id,
            aws_secret_access_key=self.secret,
        )

    def keys(self, prefix: str = "") -> list[str]:
        """The keys of all objects below a prefix."""
        pages = self.client().get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.bucket, Prefix=prefix)
        return [one["Key"] for page in found for one in page.get("Contents", ())]

    def uploads(self, prefix: str = "") -> list[str]:
        """The keys of multipart uploads that were neither completed nor aborted."""
        pages = self.client().get_paginator("list_multipart_uploads")
        found = pages.paginate(Bucket=self.bucket, Prefix=prefix)
        return [one["Key"] for page in found for one in page.get("Uploads", ())]


class Cluster:
    """The processes of a Ceph of one monitor, one OSD in memory and one gateway."""

    def __init__(self, folder: Path, day: int) -> None:
        self.folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._fsid, self._monitor, self._gateway = str(uuid.uuid4()), free_port(), free_port()
        self._configuration = folder / "ceph.conf"
        self._configuration.write_text(
            _CONFIGURATION.format(
                folder=folder,
                fsid=self._fsid,
                day=day,
                monitor=self._monitor,
                gateway=self._gateway,
            )
        )
        self.s3 = S3(f"http://127.0.0.1:{self._gateway}")

    def start(self) -> None:
        """Everything from nothing, with the user and the bucket."""
        for name in ("mon", "osd", "rgw"):
            (self.folder / name).mkdir()
        keyring, monmap = str(self.folder / "keyring"), str(self.folder / "monmap")
        self._run("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.")
        address = f"[v2:127.0.0.1:{self._monitor}/0]"
        known = ("--fsid", self._fsid, "--addv", "a", address, "--set-min-mon-release", "16")
        self._run("monmaptool", "--create", *known, monmap)
        self._run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap, "--keyring", keyring)
        self._begin("ceph-mon", "mon.a", self._monitor)
        osd = str(uuid.uuid4())
        self._run("ceph", "osd", "new", osd)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._begin("ceph-osd", "osd.0")
        keys = ("--access-key", self.s3.key_id, "--secret-key", self.s3.secret)
        user = ("--uid", "mockkie", "--display-name", "mockkie")
        self._run("radosgw-admin", "-n", "client.rgw", "user", "create", *user, *keys)
        self.start_gateway()
        self.s3.client().create_bucket(Bucket=self.s3.bucket)

    def start_gateway(self) -> None:
        """Begin to answer, on the port it always had."""
        self._begin("radosgw", "client.rgw", self._gateway)

    def stop_gateway(self) -> None:
        """Be gone at this instant, in the middle of whatever is asked; what is kept stays."""
        process = self._running.pop("radosgw")
        process.kill()
        process.wait()
        (self.folder / "radosgw.pid").unlink()

    def wait(self) -> None:
        """Until every process has ended, which they were told to."""
        for process in self._running.values():
            process.wait(_PATIENCE)

    def _run(self, program: str, *arguments: str) -> None:
        command = [program, *arguments]
        if program not in ("ceph-authtool", "monmaptool"):
            command[1:1] = ["-c", str(self._configuration)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")

    def _begin(self, program: str, name: str, port: int | None = None) -> None:
        process = subprocess.Popen(
            [program, "-c", str(self._configuration), "-n", name, "-f"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        (self.folder / f"{program}.pid").write_text(str(process.pid))
        self._running[program] = process
        deadline = time.monotonic() + _PATIENCE
        while port is not None and not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                log = (self.folder / f"{name}.log").read_text(errors="replace")
                raise RuntimeError(f"{program} does not answer; its log ends:\n{log[-2_000:]}")
            time.sleep(0.02)


@dataclasses.dataclass(frozen=True)
class Gateway(S3):
    """The real server; `stop` and `start` are about the radosgw process alone."""

    cluster: Cluster = dataclasses.field(kw_only=True)

    def stop(self) -> None:
        """The gateway is killed: connections are refused from now on."""
        self.cluster.stop_gateway()

    def start(self) -> None:
        """The gateway comes back on the same port, with everything that was kept."""
        self.cluster.start_gateway()


def missing() -> str:
    """What to install for `radosgw`; empty if it can run."""
    packages = {package for program, package in PACKAGES.items() if not shutil.which(program)}
    return f"apt-get install {' '.join(sorted(packages))}" if packages else ""


@contextmanager
def radosgw(day: int = 0) -> Iterator[Gateway]:
    """A real S3 server with an empty bucket, there in about a second; nothing of it is left.

    Lifecycle rules take `day` seconds for a day; 0: real days.
    """
    if wanted := missing():
        raise RuntimeError(f"a real S3 server needs programs of Ceph: {wanted}")
    cluster = Cluster(Path(tempfile.mkdtemp(prefix="mockkie-s3-")), day or -1)
    try:
        with kept(cluster.folder):
            cluster.start()
            yield Gateway(**vars(cluster.s3), cluster=cluster)
    finally:
        cluster.wait()


@contextmanager
def moto() -> Iterator[S3]:
    """A server in Python, with an empty bucket; what is kept goes with it."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - takes long to import

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        s3 = S3("http://{}:{}".format(*server.get_host_and_port()))
        s3.client().create_bucket(Bucket=s3.bucket)
        yield s3
    finally:
        server.stop()


def main() -> None:
    """Run until a key is pressed or the input ends, for a person who tries the cluster mode."""
    with radosgw() as s3:
        for name, value in s3.environment.items():
            print(f"export {name}={shlex.quote(value)}")
        print(f"# mockkie serve --data s3://{s3.bucket}/prefix; Enter ends the server", flush=True)
        with suppress(KeyboardInterrupt):
            sys.stdin.readline()


if __name__ == "__main__":
    main()
