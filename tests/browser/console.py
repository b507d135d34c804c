"""The manager's console as a manager uses it: log in, see today, count a drawer, resolve an exception, close the day, open the report.

Speaks WebDriver to chromedriver over plain HTTP; needs nothing but Python. Called by run.sh, which has started a store.
"""
import base64, json, os, signal, subprocess, sys, time, urllib.error, urllib.request, socket

BASE, TOKEN, PICTURES = os.environ["base"], os.environ["token"], sys.argv[1]


def call(method, url, body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{method} {url}: {error.code} {error.read().decode()}") from None


def api(method, path, body=None):
    return call(method, BASE + path, body, {"authorization": f"Bearer {TOKEN}"})


class Browser:
    def __init__(self, size, language, scale=1):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.root = f"http://127.0.0.1:{port}"
        for _ in range(100):
            try:
                if call("GET", self.root + "/status")["value"]["ready"]:
                    break
            except (OSError, AssertionError):
                time.sleep(0.1)
        width, height = size
        args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--lang={language}", f"--window-size={width},{height}"]
        options = {"args": args, "prefs": {"intl.accept_languages": language}}
        if width < 700:
            options["mobileEmulation"] = {"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1, "touch": True}}
        caps = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        made = call("POST", self.root + "/session", {"capabilities": caps})
        self.url = f"{self.root}/session/{made['value']['sessionId']}"
        if width >= 700:
            call("POST", self.url + "/window/rect", {"width": width, "height": height})
            inner = self.js("return [innerWidth, innerHeight]")
            call("POST", self.url + "/window/rect", {"width": width + width - inner[0], "height": height + height - inner[1]})
        self.size = size

    def end(self):
        try:
            call("DELETE", self.url)
        finally:
            self.driver.terminate()
            self.driver.wait()

    def go(self, path):
        call("POST", self.url + "/url", {"url": BASE + path})

    def js(self, script, *args):
        return call("POST", self.url + "/execute/sync", {"script": script, "args": list(args)})["value"]

    def wait(self, script, what, seconds=15):
        until = time.time() + seconds
        while time.time() < until:
            found = self.js(script)
            if found:
                return found
            time.sleep(0.1)
        self.picture("failed")
        raise AssertionError(f"{what}: {self.js('return document.body.innerText')[:1500]}")

    def element(self, css):
        self.wait(f"return !!document.querySelector({json.dumps(css)})", f"no {css}")
        found = call("POST", self.url + "/element", {"using": "css selector", "value": css})["value"]
        return self.url + "/element/" + next(iter(found.values()))

    def click(self, css):
        # The page may draw itself anew between finding and clicking: it is live.
        for last in (False, False, True):
            try:
                element = self.element(css)
                self.js(f"document.querySelector({json.dumps(css)}).scrollIntoView({{block:'center'}})")
                call("POST", element + "/click", {})
                return
            except AssertionError as error:
                if last or "stale element" not in str(error):
                    raise

    def type(self, css, text):
        call("POST", self.element(css) + "/value", {"text": text})

    def text(self, css="main"):
        return self.js(f"return document.querySelector({json.dumps(css)}).innerText")

    def sees(self, *texts, css="main"):
        for text in texts:
            self.wait(f"return document.querySelector({json.dumps(css)}).innerText.includes({json.dumps(text)})", f"{text!r} is not seen")

    def picture(self, name):
        path = os.path.join(PICTURES, f"{name}-{self.size[0]}x{self.size[1]}.png")
        with open(path, "wb") as file:
            file.write(base64.b64decode(call("GET", self.url + "/screenshot")["value"]))

    def tidy(self, name):
        """Nothing runs out of the screen's side, everything that can be used has a name, and the page has made no complaint."""
        time.sleep(0.3)
        self.picture(name)
        wide = self.js("return document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name}: {wide} px too wide"
        nameless = self.js(
            "return [...document.querySelectorAll('button,a,input,select,textarea,img')].filter(e => !(e.innerText||e.ariaLabel||e.alt||"
            "(e.labels&&e.labels.length&&e.labels[0].innerText))).map(e => e.outerHTML)"
        )
        assert not nameless, f"{name}: without a name: {nameless}"
        small = self.js(
            "return [...document.querySelectorAll('main button, main .button, nav a, main select')].filter(e => e.getBoundingClientRect().height < 43.5)"
            ".map(e => e.outerHTML)"
        )
        assert not small, f"{name}: too small for a finger: {small}"

    def complaints(self):
        log = call("POST", self.url + "/se/log", {"type": "browser"})["value"]
        # Before the log-in the session is asked for, which a browser notes as 401.
        return [line["message"] for line in log if "/v1/session " not in line["message"]]


number = 0


def pay(cashier, device, amount, method="cash", kind="sale", **more):
    global number
    number += 1
    body = {"request_id": f"order-{os.getpid()}-{number}", "kind": kind, "device": device, "cashier": cashier, "method": method, "amount": amount, "currency": "CNY"}
    return api("POST", "/v1/payments", {**body, **more})


CARD = {"track2": "6222021234567890128=30121010000012300", "entry": "magstripe"}


def sell():
    """A morning: cash, cards, one declined, one voided, one refunded in part, and an offline sale that the acquirer will refuse."""
    api("POST", "/v1/shifts/open", {"cashier": "1001", "device": "POS1", "float": 50000})
    sales = [pay("1001", "POS1", amount) for amount in (12800, 3550, 990)]
    cards = [pay("1002", "POS2", amount, "card", card=CARD) for amount in (45900, 128000, 8800)]
    assert {p["state"] for p in cards} == {"approved"}, cards
    assert pay("1002", "POS2", 1051, "card", card=CARD)["state"] == "declined"
    pay("1002", "POS2", 8800, "card", "void", original=cards[2]["id"])
    pay("1001", "POS1", 550, "cash", "refund", original=sales[1]["id"], confirm_amount=550)
    pay("1001", "POS1", 6600, "qr", auth_code="134567890123456789")
    return sales, cards


def a_manager_closes_the_day(browser, english):
    say = (lambda zh, en: en) if english else (lambda zh, en: zh)
    sales, cards = sell()
    browser.go("/")
    browser.sees(say("店长登录", "Log in"))
    browser.tidy("login")
    browser.type("input[name=person]", "9001")
    browser.type("input[name=pin]", "000000")
    browser.click("#login")
    browser.sees(say("密码错误", "Wrong PIN"))
    browser.type("input[name=pin]", "246810")
    browser.click("#login")
    day = api("GET", "/v1/day")
    net = f"{day['net'] // 100:,}.{day['net'] % 100:02}"
    browser.sees(net, "POS1", "POS2", say("现金", "cash"))
    browser.wait("return !!document.querySelector('.chart canvas') && document.querySelector('.chart canvas').width > 200", "no chart")
    browser.wait("return document.querySelector('#live').classList.contains('on')", "not live")
    browser.tidy("today")
    # Live: a sale elsewhere is seen here without a hand.
    pay("1001", "POS1", 100)
    net = day["net"] + 100
    browser.sees(f"{net // 100:,}.{net % 100:02}")

    browser.click("nav a[href='#/payments']")
    browser.sees(cards[0]["id"])
    browser.tidy("payments")
    browser.type("input[name=q]", cards[1]["rrn"] + "\n")
    browser.wait("return document.querySelectorAll('main tbody tr').length === 1", "the search finds one")
    browser.click("main tbody tr a")
    browser.sees(say("收到应答", "answered"), say("即将发送", "about to be sent"), cards[1]["rrn"])
    browser.tidy("payment")

    browser.click("nav a[href='#/shifts']")
    browser.sees("1001")
    browser.js("const s=document.querySelector('select[name=drawer]'); s.value=[...s.options].find(o=>o.value.includes('1001')).value")
    for note, count in (("10000", 6), ("5000", 1), ("2000", 0), ("1000", 1)):
        browser.type(f"input[data-note='{note}']", str(count))
    expected = 50000 + 12800 + 3550 + 990 + 100 - 550
    browser.type("input[name=other]", "68.90")
    assert browser.text("#counted") == "728.90", browser.text("#counted")
    browser.tidy("shifts")
    browser.click("#count-form button")
    browser.sees(say("已盘点", "counted"))
    browser.click("button[data-close='1001']")
    short = expected - 72890
    assert short == -6000, short
    browser.sees(say("长款", "over") + " 60.00")
    browser.tidy("shift-closed")

    exceptions = api("GET", "/v1/exceptions")["items"]
    browser.click("nav a[href='#/exceptions']")
    if exceptions:
        browser.sees(say("处理", "Resolve"))
        browser.tidy("exceptions")
        first = f"[data-exception='{exceptions[0]['id']}']"
        browser.type(f"{first} input[name=note]", "called the bank")
        browser.click(f"{first} button")
        browser.tidy("approve")
        browser.type("dialog input[name=pin]", "246810")
        browser.click("#approve")
        browser.wait(f"return !document.querySelector({json.dumps(first)})", "resolved and gone")
        assert len(api("GET", "/v1/exceptions")["items"]) < len(exceptions)

    browser.click("nav a[href='#/close']")
    browser.sees(say("日结前检查", "Before the close"))
    browser.tidy("close")
    browser.click("#close-day")
    browser.type("dialog input[name=pin]", "246810")
    browser.click("#approve")
    browser.wait("return location.hash.startsWith('#/day/')", "the closed day is shown")
    browser.wait("const p=document.querySelector('#paper'); return p && p.complete && p.naturalWidth > 300", "the report's picture")
    browser.sees(say("对账平", "balanced"))
    browser.tidy("day")
    closed = api("GET", f"/v1/reports/{day['business_date']}")
    assert closed["net"] == net and closed["cross_foot"], closed
    browser.click("#reprint")
    browser.sees(say("已送打印", "sent to the printer"), css="#say")
    browser.click("nav a[href='#/days']")
    browser.sees(f"Z{day['z_number']}", f"Z{day['z_number'] + 1}")
    browser.tidy("days")
    browser.click("#logout")
    browser.sees(say("店长登录", "Log in"))
    complaints = [c for c in browser.complaints() if "401" not in c and "403" not in c]
    assert not complaints, complaints


def make_an_exception():
    """The acquirer goes away; a card is taken offline; the acquirer is back and refuses it: somebody must decide."""
    if os.environ.get("acquirer_pid") is None:
        return
    os.kill(int(os.environ["acquirer_pid"]), signal.SIGSTOP)
    try:
        made = pay("1002", "POS2", 2051, "card", card=CARD)
        if made["state"] != "stored":
            made = pay("1002", "POS2", 3051, "card", card=CARD)
        print("offline:", made["state"])
    finally:
        os.kill(int(os.environ["acquirer_pid"]), signal.SIGCONT)
    for _ in range(300):
        if api("GET", "/v1/exceptions")["items"]:
            return
        time.sleep(0.1)
    print("no exception came of it:", json.dumps(api("GET", f"/v1/payments/{made['id']}"), ensure_ascii=False))


for size, language in (((1024, 600), "zh-CN"), ((390, 844), "en-GB")):
    make_an_exception()
    browser = Browser(size, language)
    try:
        a_manager_closes_the_day(browser, language.startswith("en"))
        print(f"{size[0]}x{size[1]} {language}: logged in, counted, resolved, closed, read the report")
    finally:
        browser.end()
