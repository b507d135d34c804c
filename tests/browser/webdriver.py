"""A browser driven over WebDriver with nothing but Python: Chromium through chromedriver, headless, at a given size."""
import base64, json, os, socket, subprocess, time, urllib.error, urllib.request

KEYS = {"enter": "\ue007", "tab": "\ue004", "escape": "\ue00c", "back": "\ue003", "control": "\ue009"}


def call(method, url, body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=90) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{method} {url}: {error.code} {error.read().decode()[:2000]}") from None


class Browser:
    def __init__(self, base, pictures, size, language, dark=False):
        self.base, self.pictures, self.size, self.suffix = base, pictures, size, f"{size[0]}x{size[1]}{'-dark' if dark else ''}"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.root, self.url = f"http://127.0.0.1:{port}", None
        for _ in range(200):
            try:
                if call("GET", self.root + "/status")["value"]["ready"]:
                    break
            except (OSError, AssertionError):
                time.sleep(0.1)
        width, height = size
        args = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", f"--lang={language}", f"--window-size={width},{height}"]
        if os.geteuid() == 0:
            args.append("--no-sandbox")
        if dark:
            args.append("--blink-settings=preferredColorScheme=0")
        options = {"args": args, "prefs": {"intl.accept_languages": language}}
        if width < 700:
            options["mobileEmulation"] = {"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1, "touch": True}}
        caps = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        made = call("POST", self.root + "/session", {"capabilities": caps})
        self.url = f"{self.root}/session/{made['value']['sessionId']}"
        if width >= 700:
            call("POST", self.url + "/window/rect", {"width": width, "height": height})
            inner = self.js("return [innerWidth, innerHeight]")
            call("POST", self.url + "/window/rect", {"width": 2 * width - inner[0], "height": 2 * height - inner[1]})

    def end(self):
        try:
            if self.url:
                call("DELETE", self.url)
        finally:
            self.driver.terminate()
            self.driver.wait()

    def go(self, path):
        call("POST", self.url + "/url", {"url": self.base + path})

    def reload(self):
        call("POST", self.url + "/refresh", {})

    def js(self, script, *args):
        return call("POST", self.url + "/execute/sync", {"script": script, "args": list(args)})["value"]

    def js_async(self, script, before=None):
        """`before` is a script's text that is put into the page first, as a debugger does it: no policy of the page is loosened for it."""
        if before and not self.js("return !!window.axe"):
            self.js(before)
        call("POST", self.url + "/timeouts", {"script": 60000})
        return call("POST", self.url + "/execute/async", {"script": script, "args": []})["value"]

    def network(self, offline):
        """Takes the network away, also from streams that stand."""
        call("POST", self.url + "/goog/cdp/execute", {"cmd": "Network.enable", "params": {}})
        conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        call("POST", self.url + "/goog/cdp/execute", {"cmd": "Network.emulateNetworkConditions", "params": conditions})

    def blocks(self, addresses):
        """Requests to these come to nothing, while all others go on."""
        call("POST", self.url + "/goog/cdp/execute", {"cmd": "Network.setBlockedURLs", "params": {"urls": addresses}})

    def wait(self, script, what, *args, seconds=20):
        until = time.time() + seconds
        while True:
            found = self.js(script, *args)
            if found:
                return found
            if time.time() > until:
                self.picture("failed")
                raise AssertionError(f"{what}\n{self.js('return location.href + String.fromCharCode(10) + document.body.innerText')[:3000]}")
            time.sleep(0.1)

    def element(self, css):
        self.wait("return !!document.querySelector(arguments[0])", f"no {css}", css)
        found = call("POST", self.url + "/element", {"using": "css selector", "value": css})["value"]
        return self.url + "/element/" + next(iter(found.values()))

    def click(self, css):
        """A real click: one that something else lies over fails. The page updates in place, so an element that is there stays."""
        element = self.element(css)
        self.wait("const e = document.querySelector(arguments[0]); return !e.disabled", f"{css} stays disabled", css)
        self.js("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", css)
        call("POST", element + "/click", {})

    def type(self, css, text):
        call("POST", self.element(css) + "/value", {"text": text})

    def press(self, *keys):
        """Keys to whatever has the focus."""
        actions = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        call("POST", self.url + "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def text(self, css="main"):
        return self.js("return document.querySelector(arguments[0]).innerText", css)

    def sees(self, *texts, css="main"):
        for text in texts:
            self.wait("const e = document.querySelector(arguments[0]); return e && e.innerText.includes(arguments[1])", f"{text!r} is not seen in {css}", css, text)

    def picture(self, name):
        with open(os.path.join(self.pictures, f"{name}-{self.suffix}.png"), "wb") as file:
            file.write(base64.b64decode(call("GET", self.url + "/screenshot")["value"]))

    def complaints(self):
        """What the browser noted: errors of scripts, of the content policy, of what could not be loaded."""
        return [line["message"] for line in call("POST", self.url + "/se/log", {"type": "browser"})["value"] if line["level"] in ("SEVERE", "WARNING")]
