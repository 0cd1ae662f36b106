
import logging, random, sys, json, threading, http.server, urllib.request, urllib.error
from flask import Flask, jsonify, abort, request
mode = sys.argv[1]
R = random.Random(11)
if mode == "json":
    class F(logging.Formatter):
        def format(self, r):
            d = {"ts": self.formatTime(r, "%Y-%m-%dT%H:%M:%S") + f".{int(r.msecs):03d}Z", "level": r.levelname.lower(), "logger": r.name, "msg": r.getMessage()}
            d.update(getattr(r, "f", {}))
            if r.exc_info: d["exc"] = self.formatException(r.exc_info)
            return json.dumps(d, separators=(",", ":"))
    h = logging.StreamHandler(sys.stdout); h.setFormatter(F())
elif mode == "syslog":
    import os
    h = logging.StreamHandler(sys.stdout); h.setFormatter(logging.Formatter(f"%(asctime)s node7 orders[{os.getpid()}]: %(levelname)s %(name)s %(message)s", "%b %d %H:%M:%S"))
else:
    h = logging.StreamHandler(sys.stdout); h.setFormatter(logging.Formatter("%(asctime)s %(levelname)-8s [%(threadName)s] %(name)s: %(message)s"))
logging.basicConfig(level=logging.INFO, handlers=[h])
log = logging.getLogger("orders.api"); db = logging.getLogger("orders.db"); wk = logging.getLogger("orders.worker")
app = Flask("orders")
stock = {i: R.randint(0, 5) for i in range(40)}
@app.get("/orders/<int:i>")
def get(i):
    q = R.randint(1, 40)
    db.info("query took %d ms: SELECT * FROM orders WHERE id = %d", q, i, extra={"f": {"ms": q, "id": i}})
    if i % 37 == 0:
        stock[10000 + i]
    if i % 23 == 0:
        abort(404)
    return jsonify(id=i)
@app.post("/orders/<int:i>/pay")
def pay(i):
    user = R.choice(["ann", "bob", "cyd", "dee", "eve", "fay"])
    wk.info("payment of order %d by %s queued as job %08x", i, user, R.getrandbits(32), extra={"f": {"order": i, "user": user}})
    if R.random() < .05:
        wk.warning("retrying job for order %d in %d s", i, R.choice([2, 4, 8]))
    if i % 41 == 0:
        try:
            json.loads("{" + str(i))
        except ValueError:
            wk.exception("payment provider answered nonsense for order %d", i)
    return "", 202
c = app.test_client()
for n in range(int(sys.argv[2])):
    i = R.randint(1, 400)
    if R.random() < .6: r = c.get(f"/orders/{i}")
    else: r = c.post(f"/orders/{i}/pay")
    log.info("%s %s -> %d in %d us", r.request.method, r.request.path, r.status_code, R.randint(300, 9000), extra={"f": {"status": r.status_code}})
