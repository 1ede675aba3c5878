"""A small inference engine: vLLM's endpoints and metric names, and answers that say who gave them.

Options are those that Powertrain passes to `vllm serve`; what it does not know it leaves alone. Tokens are
made at a fixed pace, so that load shows in the metrics as it would in a real engine's.
"""

import argparse
import json
import os
import signal
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECONDS_A_TOKEN = 0.005
STARTUP_SECONDS = float(os.environ.get("STARTUP_SECONDS", "1"))


class Counts:
    """What the metrics page tells."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running = 0
        self.succeeded = 0
        self.prompt_tokens = 0
        self.generated_tokens = 0

    def page(self, model: str) -> str:
        label = f'{{model_name="{model}"}}'
        figures = {
            "vllm:num_requests_running": ("gauge", self.running),
            "vllm:num_requests_waiting": ("gauge", 0),
            "vllm:request_success_total": ("counter", self.succeeded),
            "vllm:prompt_tokens_total": ("counter", self.prompt_tokens),
            "vllm:generation_tokens_total": ("counter", self.generated_tokens),
        }
        lines = []
        for name, (kind, value) in figures.items():
            lines += [f"# TYPE {name.removesuffix('_total')} {kind}", f"{name}{label} {value}"]
        return "\n".join(lines) + "\n"


class Handler(BaseHTTPRequestHandler):
    """One request at a time of one client."""

    protocol_version = "HTTP/1.1"
    counts = Counts()
    model = ""
    ready_at = 0.0

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(200 if time.monotonic() >= self.ready_at else 503, "")
        elif self.path == "/v1/models":
            self._answer(200, {"object": "list", "data": [{"id": self.model, "object": "model"}]})
        elif self.path == "/metrics":
            self._answer(200, self.counts.page(self.model), "text/plain; version=0.0.4")
        else:
            self._answer(404, {"error": f"no such path {self.path}"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path not in ("/v1/completions", "/v1/chat/completions"):
            self._answer(404, {"error": f"no such path {self.path}"})
            return
        tokens = min(int(body.get("max_tokens", 16)), 1024)
        with self.counts.lock:
            self.counts.running += 1
        time.sleep(tokens * SECONDS_A_TOKEN)
        with self.counts.lock:
            self.counts.running -= 1
            self.counts.succeeded += 1
            self.counts.prompt_tokens += len(str(body.get("prompt", body.get("messages", ""))).split())
            self.counts.generated_tokens += tokens
        text = {"text": "word " * tokens, "index": 0, "finish_reason": "length"}
        self._answer(200, {"model": self.model, "served_by": socket.gethostname(), "choices": [text]})

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: probes would fill the log."""

    def _answer(self, status: int, body: Any, kind: str = "application/json") -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", default="model")
    parser.add_argument("--served-model-name")
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=8000)
    known, _ = parser.parse_known_args()
    Handler.model = known.served_model_name or known.model
    Handler.ready_at = time.monotonic() + STARTUP_SECONDS
    server = ThreadingHTTPServer((known.host, known.port), Handler)
    # As vLLM does: what is under way is answered, then the process ends.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
