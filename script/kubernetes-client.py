#!/usr/bin/env python3
"""Kubernetes' own Python client on Podlane's WebSockets; no test needs it, because it comes from PyPI.

    pip install kubernetes
    script/kubernetes-client.py BASE_URL CONTAINER    # http://localhost:5000/api/v1, of an image with sh

Only the client's addresses differ from Kubernetes': its channels, close frames and exit codes are what
is tried here.
"""
import json
import sys

from kubernetes.client import Configuration
from kubernetes.stream.ws_client import ERROR_CHANNEL, RESIZE_CHANNEL, STDIN_CHANNEL, websocket_call

BASE_URL, CONTAINER = sys.argv[1:]


def call(action, **query):
    url = f"{BASE_URL}/containers/{CONTAINER}/{action}/ws"
    return websocket_call(
        Configuration(), "GET", url, query_params=list(query.items()), _preload_content=False
    )


def sh(line, tty):
    return call("exec", command=["sh", "-c", line], tty=tty, stdin="true")


def expect(what, seen, wanted):
    print(f"{'ok' if seen == wanted else 'WRONG'}: {what}: {seen!r}")
    if seen != wanted:
        sys.exit(1)


pipes = sh("cat; echo err >&2; exit 7", "false")
expect("subprotocol", pipes.subprotocol, "v5.channel.k8s.io")
pipes.write_stdin("in")
pipes.write_stdin("put\n")
pipes.close_channel(STDIN_CHANNEL)
pipes.run_forever(timeout=20)
expect("standard output", pipes.read_stdout(), "input\n")
expect("standard error", pipes.read_stderr(), "err\n")
expect("exit code", pipes.returncode, 7)

terminal = sh("read go; stty size", "true")
terminal.write_channel(RESIZE_CHANNEL, json.dumps({"Width": 111, "Height": 22}))
terminal.write_stdin("\n")
terminal.run_forever(timeout=20)
expect("size", terminal.read_stdout().split()[-2:], ["22", "111"])
expect("exit code", terminal.returncode, 0)

main = call("attach", stdin="false")
expect("attached", main.subprotocol, "v5.channel.k8s.io")
main.update(timeout=1)
expect("it goes on", (main.is_open(), main.read_channel(ERROR_CHANNEL)), (True, ""))
main.close()
