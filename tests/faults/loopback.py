"""A W&B server on the loopback, with as much of the protocol as a run needs, which fails when it is told to.

It answers the GraphQL queries of wandb-core, takes rows by the file stream, and files by upload.
"""

from __future__ import annotations

import gzip
import http.server
import json
import re
import socket
import threading
from typing import Any

HANGS = -1
"""The status of a server that does not answer."""

ARTIFACT = {
    "id": "artifact",
    "state": "COMMITTED",
    "artifactSequence": {"id": "sequence", "latestArtifact": None},
}


class Server(http.server.ThreadingHTTPServer):
    """The server.

    Attributes:
        status: 200 if it works, another status of HTTP with which it answers everything, or `HANGS`.
        asked: how many requests it got.
        rows: the rows of each W&B run, by its id.
        names: the display name of each W&B run.
        files: the uploaded files of each W&B run.
        ended: the exit status that each W&B run told.
        views: the specification of each workspace.
    """

    daemon_threads = True

    def __init__(self, status: int = 200) -> None:
        self.status, self.asked, self.stopped = status, 0, threading.Event()
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.names: dict[str, str] = {}
        self.files: dict[str, dict[str, bytes]] = {}
        self.ended: dict[str, int] = {}
        self.views: dict[str, Any] = {}
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def handle_error(self, *_: Any) -> None:
        """Say nothing of connections that were closed."""

    def die(self) -> None:
        """Stop listening, and close all connections."""
        self.stopped.set()
        self.shutdown()
        self.server_close()
        for connection in self._connections:
            connection.close()

    def query(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer a GraphQL query."""
        given = asked.get("variables") or {}
        found = re.search(r"(?:query|mutation)\s+(\w+)", asked["query"])
        match found and found[1]:
            case "UpsertBucket":
                name = given.get("name") or given["id"]
                self.names[name] = given.get("displayName") or self.names.get(name, "")
                project = {"id": "project", "name": "seqlab", "entity": {"id": "entity", "name": "me"}}
                bucket = {"id": name, "name": name, "displayName": self.names[name], "project": project}
                return {"upsertBucket": {"bucket": bucket, "inserted": name not in self.rows}}
            case "CreateRunFiles":
                urls = [
                    {"name": file, "uploadUrl": f"{self.url}/upload/{given['run']}/{file}"}
                    for file in given["files"]
                ]
                return {"createRunFiles": {"runID": given["run"], "uploadHeaders": [], "files": urls}}
            case "Viewer":
                return {
                    "viewer": {
                        "id": "me",
                        "entity": "me",
                        "username": "me",
                        "flags": "{}",
                        "teams": {"edges": []},
                    }
                }
            case "UpsertView2":
                self.views[given["name"]] = json.loads(given["spec"])
                return {"upsertView": {"view": {"id": "view", "name": given["name"]}, "inserted": True}}
            case "CreateArtifact":
                return {"createArtifact": {"artifact": ARTIFACT}}
            case "ArtifactType":
                return {"project": {"artifact": None}}
            case _:
                return {}

    def stream(self, name: str, sent: dict[str, Any]) -> None:
        """Take a part of the file stream of a W&B run."""
        rows = self.rows.setdefault(name, [])
        if "wandb-history.jsonl" in sent.get("files", {}):
            part = sent["files"]["wandb-history.jsonl"]
            rows[part["offset"] :] = map(json.loads, part["content"])
        if sent.get("complete"):
            self.ended[name] = sent["exitcode"]


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        """Answer a request, or fail as the server is told to."""
        body = self._body()
        self.server.asked += 1
        if self.server.status == HANGS:
            self.server.stopped.wait(60)
            self.close_connection = True
            return
        answer: dict[str, Any] = {}
        if self.server.status == 200:
            _, kind, *names = self.path.split("/")
            if kind == "graphql":
                answer = {"data": self.server.query(json.loads(body))}
            elif kind == "files":
                self.server.stream(names[2], json.loads(body))
            elif kind == "upload":
                self.server.files.setdefault(names[0], {})["/".join(names[1:])] = body
        text = json.dumps(answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_PUT = do_GET = do_POST  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def _body(self) -> bytes:
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().strip(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
