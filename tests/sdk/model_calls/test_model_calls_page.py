"""The programs on docs/model-calls.md do what the page says."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "model-calls.md"
COUNTS = {"done": True, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 4}


class Ollama(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = ["Co", "ld."] if asked["stream"] else ["Cold."]
        chunks = [{"model": "llama3.2", "message": {"role": "assistant", "content": text}} for text in texts]
        chunks[-1] |= COUNTS
        self.send_response(200)
        self.end_headers()
        self.wfile.write("\n".join(map(json.dumps, chunks)).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def page(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ollama)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("CHAT_URL", f"http://127.0.0.1:{server.server_port}/api/chat")
    names = {}
    for program in re.findall(r"^```python\n(.+?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        exec(compile(program, str(PAGE), "exec"), names)  # noqa: S102 -- this project's own page
    yield names
    server.shutdown()
    server.server_close()
    thread.join()


def test_its_programs_record_what_it_says(recorder, page, capsys):
    assert page["chat"]("Weather?") == "Cold."
    page["chat_in_pieces"]("Weather?")
    assert capsys.readouterr().out == "Cold."
    assert page["ask"]([{"role": "user", "content": "Weather?"}])["message"]["content"] == "Cold."
    assert len(recorder.spans) == 3
    for span in recorder.spans:
        assert span.name == "chat llama3.2"
        assert span.attributes["gen_ai.input.messages"] == (
            '[{"role":"user","parts":[{"type":"text","content":"Weather?"}]}]'
        )
        assert span.attributes["gen_ai.output.messages"] == (
            '[{"role":"assistant","parts":[{"type":"text","content":"Cold."}]}]'
        )
        assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",)
        assert span.attributes["gen_ai.usage.input_tokens"] == 9
        assert span.attributes["gen_ai.usage.output_tokens"] == 4


def test_its_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)", PAGE.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
