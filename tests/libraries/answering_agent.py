"""An agent behind HTTP, as a process of its own; the environment says where its spans go.

It prints its port. The caller's trace is continued by hand, as in a server without an instrumentor.
"""

from http.server import BaseHTTPRequestHandler, HTTPServer

import ams_sdk
from ams_sdk import agent, extract


@agent
def answering(question: str) -> str:
    return f"{question} {len(question)}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        question = self.rfile.read(int(self.headers["content-length"])).decode()
        with extract(self.headers.items()):
            answer = answering(question).encode()
        ams_sdk.flush()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ams_sdk.configure()
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_port, flush=True)  # noqa: T201 -- whom it starts reads it
        server.serve_forever()
