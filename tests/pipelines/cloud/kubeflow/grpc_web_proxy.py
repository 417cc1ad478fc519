"""Passes gRPC-Web on to a gRPC server, as the address of Kubeflow's pages does.

usage: grpc_web_proxy.py PORT TARGET
"""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import grpc


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        frame = self.rfile.read(int(self.headers["Content-Length"]))
        with grpc.insecure_channel(sys.argv[2]) as channel:
            call = channel.unary_unary(self.path, lambda b: b, lambda b: b)
            try:
                answer, trailer = call(frame[5:]), b"grpc-status: 0\r\n"
            except grpc.RpcError as error:
                answer, trailer = b"", f"grpc-status: {error.code().value[0]}\r\n".encode()
        body = b"\0" + len(answer).to_bytes(4) + answer
        body += b"\x80" + len(trailer).to_bytes(4) + trailer
        self.send_response(200)
        self.send_header("Content-Type", "application/grpc-web+proto")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
