#!/usr/bin/env python3
"""收银示例:只用 Python 标准库。  A POS in Python, standard library alone.

BASE=http://127.0.0.1:17216 TOKEN=… python3 pos.py
"""
import http.client
import json
import os
import queue
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

BASE = os.environ.get("BASE", "http://127.0.0.1:17216")
TOKEN = os.environ["TOKEN"]  # api-token of the data folder, or a token of your own
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # 本机,不走代理  never through a proxy


def request(method, path, body=None, headers=()):
    data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    r = urllib.request.Request(BASE + path, data, dict(headers), method=method)
    r.add_header("Authorization", "Bearer " + TOKEN)
    r.add_header("Content-Type", "application/json")
    return r


def call(method, path, body=None):
    """断线、忙、重启时原样再发;编号相同,不会记两次。
    After a broken connection, and while the agent is busy or restarting, the
    same is sent again: its id is the same, so nothing is done twice."""
    for attempt in range(8):
        pause = 0.1 * 2**attempt
        try:
            with direct.open(request(method, path, body), timeout=40) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as e:
            problem = e.read().decode(errors="replace")
            if e.code != 429 and e.code < 500:
                raise SystemExit(f"{method} {path}: {e.code} {problem}")
            pause = float(e.headers.get("Retry-After") or pause)
        except (OSError, http.client.HTTPException) as e:
            problem = e
        time.sleep(pause)
    raise SystemExit(f"{method} {path}: {problem}")


def listen(events, listening):
    """事件流;断了就从最后的编号接着来。  Events; after a break on from the last number."""
    last = ""
    while True:
        number, data = "", ""
        try:
            with direct.open(request("GET", "/v1/events", headers={"Last-Event-ID": last} if last else {}), timeout=60) as stream:
                for line in stream:
                    name, _, value = line.decode().rstrip("\n").partition(": ")
                    if name == "id":
                        number = value
                    elif name == "data":
                        data = value
                    elif name == "" and number:  # 空行:这个事件收全了  a blank line: the event is complete
                        last = number
                        listening.set()
                        if data:
                            events.put(json.loads(data))
                        number, data = "", ""
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.2)


def wait_event(events, kind, sale_id):
    while True:
        event = events.get(timeout=30)
        if event["sale_id"] == sale_id:
            print("event", event["type"])
            if event["type"] == kind:
                return


def main():
    events, listening = queue.Queue(), threading.Event()
    threading.Thread(target=listen, args=(events, listening), daemon=True).start()
    if not listening.wait(30):
        raise SystemExit("no event stream")

    # 卖一单,最多等 5 秒拿开票码  A sale; waits up to 5 s for its QR code
    sale_id = f"PY-{time.strftime('%Y%m%d%H%M%S')}-{os.getpid()}"
    sale = {
        "sale_id": sale_id,
        "total": "12.50",  # 金额用文本,不用浮点数  money is text, never a float
        "items": [{"name": "拿铁咖啡", "amount": "12.50", "tax_code": "3070401000000000000", "tax_rate": "0.06"}],
        "payments": [{"method": "微信", "amount": "12.50"}],
    }
    answer = call("POST", "/v1/sales?wait=5s", sale)
    print(f"sold {sale_id}: {answer['state']} {answer['qr']['url']}")

    # 没收到答复?原样再发:还是那一单,还是那个码  No answer? The same again is the same sale with the same code
    if call("POST", "/v1/sales", sale)["qr"]["no"] != answer["qr"]["no"]:
        raise SystemExit("another QR code")
    print("again: the same QR code")
    wait_event(events, "sale.qr_ready", sale_id)

    # 退货:不给金额就是全退  A refund; without an amount it is all of it
    path = "/v1/sales/" + urllib.parse.quote(sale_id, safe="")
    refund = call("POST", path + "/refunds", {"refund_id": "R-" + sale_id, "reason": "sales_return"})
    print(f"refund R-{sale_id}: {refund['path']}")
    wait_event(events, "refund.done", sale_id)
    print(f"refund R-{sale_id}: {call('GET', '/v1/refunds/R-' + sale_id)['state']}")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    main()
