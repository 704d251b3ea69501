"""nginx in front of several servers, as a cluster has it. Knows nothing of who they are."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.loopback import answers, free_port, kept

NGINX: Final = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
INSTALL: Final = "apt-get install nginx-light"

_PATIENCE: Final = 30.0
_CONFIGURATION: Final = """\
daemon off;
master_process off;
user root;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  tcp_nodelay on;
  ignore_invalid_headers off;
  underscores_in_headers on;
  large_client_header_buffers 8 64k;
  keepalive_requests 1000000;
  upstream mocks {{
    {servers}
    keepalive 256;
    keepalive_requests 1000000;
  }}
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 0;
    location / {{
      proxy_pass http://mocks;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
      proxy_pass_header Date;
      proxy_pass_header Server;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_buffer_size 64k;
      proxy_buffers 8 64k;
      proxy_next_upstream off;
      proxy_read_timeout 300s;
      proxy_send_timeout 300s;
    }}
  }}
}}
"""
# Nobody is tried twice or left out after a failure: what a mock answers is what a client gets.
# nginx sends `100 Continue` itself, as soon as it has a server for the request.


@contextmanager
def balanced(ports: Sequence[int]) -> Iterator[str]:
    """The origin that passes requests to servers on these ports of loopback, in turn."""
    if NGINX is None:
        raise RuntimeError(f"a load balancer needs nginx: {INSTALL}")
    folder, port = Path(tempfile.mkdtemp(prefix="mockkie-nginx-")), free_port()
    servers = "\n    ".join(f"server 127.0.0.1:{one} max_fails=0;" for one in ports)
    settings, log = folder / "nginx.conf", folder / "error.log"
    settings.write_text(_CONFIGURATION.format(folder=folder, port=port, servers=servers))
    with (
        kept(folder),
        subprocess.Popen([NGINX, "-p", folder, "-c", settings, "-e", log]) as process,
    ):
        try:
            deadline = time.monotonic() + _PATIENCE
            while not answers(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"nginx does not answer:\n{log.read_text()}")
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
