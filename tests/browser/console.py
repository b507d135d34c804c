"""The manager's console as a manager uses it, on a till's screen and on a phone: log in, see the day live, find a payment, count a drawer, pay out,
close a shift, resolve an exception, close the day, print, print again, download. Called by run.sh, which has started a store.
"""
import json, os, re, sys, time, urllib.request

import store
from store import BASE, TOKEN, api, pay
from webdriver import Browser

PICTURES = sys.argv[1]
AXE = open(os.environ["AXE_FILE"], encoding="utf-8").read() if os.environ.get("AXE_FILE") else None


def text_of(amount):
    return f"{'−' if amount < 0 else ''}{abs(amount) // 100:,}.{abs(amount) % 100:02}"


class Manager:
    def __init__(self, size, english, dark=False):
        self.browser, self.english = Browser(BASE, PICTURES, size, "en-GB" if english else "zh-CN", dark), english
        self.looked_at = []

    def say(self, zh, en):
        return en if self.english else zh

    def menu(self, page):
        self.browser.click(f"nav a[href='#/{page}']")
        self.browser.wait("return location.hash.startsWith(arguments[0]) && !document.querySelector('main .soon')", f"{page} does not open", f"#/{page}")

    def looks(self, name):
        """Nothing runs out of the screen, nothing is too small for a finger, everything has a name, axe finds nothing, nothing is in the wrong
        language. And a picture for people."""
        b = self.browser
        b.wait("return !document.querySelector('.soon') && [...document.images].every(i => i.complete || i.loading === 'lazy')", f"{name} stays unfinished")
        time.sleep(0.2)
        b.picture(name)
        wide = b.js("return document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name}: {wide} px too wide"
        small = b.js(
            "return [...document.querySelectorAll('button, .button, nav a, select, summary, input:not([type=radio]), tr.go')].filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5)"
            ".map(e => e.outerHTML.slice(0, 200))"
        )
        assert not small, f"{name}: too small for a finger: {small}"
        words = b.js("return document.querySelector('#app').innerText + [...document.querySelectorAll('[aria-label],[title],[placeholder]')].map(e => `${e.ariaLabel ?? String()} ${e.title} ${e.placeholder ?? String()}`).join(' ')")
        assert "undefined" not in words and "NaN" not in words and "[object" not in words, f"{name}: {words}"
        if AXE:
            found = b.js_async("const done = arguments[arguments.length - 1]; window.axe.run(document, {resultTypes: ['violations'], rules: {region: {enabled: false}}}).then(r => done(r.violations.map(v => `${v.id}: ${v.help}: ${v.nodes.map(n => n.html.slice(0, 160) + ' ' + n.failureSummary).join(' | ')}`)), e => done([String(e)]))", before=AXE)
            assert not found, f"{name}: axe-core: {json.dumps(found, ensure_ascii=False, indent=1)}"
        self.looked_at.append(name)

    def logs_in(self):
        b = self.browser
        b.go("/")
        b.sees(self.say("店长登录", "Log in"))
        self.looks("login")
        b.type("input[name=person]", "9001")
        b.type("input[name=pin]", "000000")
        b.click("#login")
        b.sees(self.say("密码错误", "Wrong PIN"))
        if b.size[0] > 700:
            # A till has no keyboard: the digits on the screen do.
            b.js("document.querySelector('input[name=pin]').focus()")
            for digit in "246810":
                key = b.js("return [...document.querySelectorAll('.keypad button')].findIndex(k => k.innerText === arguments[0])", digit)
                b.click(f".keypad > :nth-child({key + 1 + (1 if key >= 9 else 0)})")
            assert b.js("return document.querySelector('input[name=pin]').value") == "246810"
            b.click(".keypad .enter")
        else:
            b.type("input[name=pin]", "246810")
            b.press("enter")
        b.wait("return !!document.querySelector('nav')", "not in")
        if self.english and b.js("return document.documentElement.lang") != "en":
            b.click("#lang")
        b.sees(self.say("净额", "Net takings"))

    def approves(self, picture=None):
        b = self.browser
        b.wait("return !!document.querySelector('dialog[open]')", "nobody asks who approves")
        if picture:
            self.looks(picture)
        b.type("dialog input[name=pin]", "135790")
        b.click("#approve")
        b.sees(self.say("密码错误", "Wrong PIN"), css="dialog")
        b.type("dialog input[name=pin]", "246810")
        b.press("enter")
        b.wait("return !document.querySelector('dialog[open]')", "the dialog stays")

    def sees_today(self):
        b, day = self.browser, api("GET", "/v1/day")
        b.sees(text_of(day["net"]), css="#net")
        for table in ("by_cashier", "by_device", "by_method"):
            b.sees(*[text_of(group["net"]) for group in day[table]], css=f"#{table.replace('_', '-')}")
        b.wait("const c = document.querySelector('.chart canvas'); return c && c.width > 200", "no chart")
        drawn = b.js("const c = document.querySelector('.chart canvas'), p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; const seen = new Set(); for (let i = 0; i < p.length; i += 4) if (p[i + 3] > 200) seen.add(`${p[i]},${p[i + 1]},${p[i + 2]}`); return seen.size")
        assert drawn > 3, "the chart is empty"
        b.wait("return document.querySelector('#live').classList.contains('on')", "not live")
        self.looks("today")
        # Live, in place: a sale elsewhere is seen here without a hand, in the same elements, with the focus where it was.
        b.js("document.querySelector('#by-cashier a').focus(); window.kept = [document.querySelector('#net'), document.activeElement, document.querySelector('.chart canvas')]")
        pay("1001", "POS1", 100)
        b.sees(text_of(day["net"] + 100), css="#net")
        assert b.js("return window.kept[0] === document.querySelector('#net') && window.kept[1] === document.activeElement && window.kept[1].isConnected && window.kept[2] === document.querySelector('.chart canvas')"), "the page was drawn anew"

    def finds_a_payment(self, cards):
        b = self.browser
        self.menu("payments")
        b.sees(cards[0]["id"])
        b.wait("return document.querySelectorAll('main tbody tr').length > 5", "the list")
        self.looks("payments")
        # What somebody types stays while sales come in.
        b.type("input[name=q]", cards[1]["rrn"])
        newest = pay("1001", "POS1", 200)
        b.sees(newest["id"])
        assert b.js("return document.activeElement.name + document.activeElement.value") == "q" + cards[1]["rrn"]
        b.press("enter")
        b.wait("return document.querySelectorAll('main tbody tr').length === 1", "the search finds one")
        b.click("main tbody tr a")
        b.sees(self.say("收到应答", "Answered"), self.say("即将发送", "About to be sent"), cards[1]["rrn"], css="main")
        b.sees(*[word for word in (self.say("交易成功", "Approved"),)], css="#story")
        self.looks("payment")
        b.click("#print-receipt")
        b.sees(self.say("已送打印", "Sent to the printer"), css="#say")
        b.click("a.back")
        b.wait("return document.querySelector('input[name=q]')?.value === arguments[0]", "back to the search", cards[1]["rrn"])

    def counts_and_closes_a_shift(self):
        b, expected = self.browser, 50000 + 12800 + 3550 + 990 - 550 + 100 + 200
        self.menu("shifts")
        b.sees("1001")
        self.looks("shifts")
        form = "#move-cash"
        b.click(f"{form} input[value=pay-out]")
        b.js("const s = document.querySelector('#move-cash select'); s.value = [...s.options].find(o => o.value.includes('1001')).value")
        b.type(f"{form} input[name=sum]", "8.90")
        b.click(f"{form} .phrases button")
        # A sale comes in between: nothing of the form is lost.
        pay("1001", "POS1", 300)
        time.sleep(1.5)
        assert b.js("return document.querySelector('#move-cash input[name=sum]').value") == "8.90"
        b.click(f"{form} > button")
        b.sees(self.say("已登记", "Entered"), css="#say")
        expected += 300 - 890
        b.click("[data-count='1001/POS1']")
        b.sees(self.say("盲点", "blind count"))
        assert text_of(expected) not in b.text(), "the count is not blind"
        for note, count in (("10000", 6), ("5000", 1), ("1000", 1)):
            b.type(f"input[data-note='{note}']", str(count))
        b.click("input[data-note='2000'] + button")
        b.type("input[name=other]", "0.00")
        if b.size[0] > 700:
            b.click(".keypad [aria-label]")
        b.sees("680.00", css="#counted")
        # A sale on the other till: the count stays as it is typed.
        pay("1002", "POS2", 100)
        time.sleep(1.5)
        b.sees("680.00", css="#counted")
        assert b.js("return document.querySelector(\"input[data-note='10000']\").value") == "6"
        self.looks("count")
        b.click("#enter-count")
        b.wait("return location.hash === '#/shifts'", "the count is entered")
        counted = next(shift for shift in api("GET", "/v1/day")["shifts"] if shift["cashier"] == "1001" and not shift["closed"])["drawers"][0]
        pieces = [(piece["value"], piece["count"]) for piece in counted["denominations"]]
        assert pieces == [(10000, 6), (5000, 1), (2000, 1), (1000, 1)], pieces
        b.click("button[data-close='1001']")
        difference = 68000 - expected
        b.sees((self.say("长款", "over") if difference > 0 else self.say("短款", "short")) + " " + text_of(abs(difference)), css="#shift-list")
        self.looks("shift-closed")
        return difference

    def resolves_the_exceptions(self):
        b, exceptions = self.browser, api("GET", "/v1/exceptions")["items"]
        assert exceptions, "there is none to resolve"
        self.menu("exceptions")
        b.sees(self.say("处理", "Resolve"))
        self.looks("exceptions")
        for n, exception in enumerate(exceptions):
            one = f"#exception-{exception['id']}"
            b.click(f"{one} .phrases button")
            assert b.js("return document.querySelector(arguments[0]).value", f"{one} input[name=note]"), "the phrase is not there"
            b.click(f"{one} [data-resolve]")
            self.approves("approve" if n == 0 else None)
            b.wait("return !document.querySelector(arguments[0])", "resolved and gone", one)
        assert not api("GET", "/v1/exceptions")["items"]

    def closes_the_day(self):
        b, day = self.browser, api("GET", "/v1/day")
        self.menu("close")
        b.wait("return document.querySelectorAll('#checks li').length >= 8", "the checklist")
        for check, level in (("not_footing", "ok"), ("store", "ok"), ("exceptions", "ok"), ("open_shifts", "look"), ("line_down", "ok"), ("printer", "ok")):
            seen = b.js("return document.querySelector(`[data-check=${arguments[0]}]`).className", check)
            assert seen == level, f"{check} is {seen}"
        b.sees(self.say("班次未结", "Shifts are open"), "1002", css="#checks")
        self.looks("close")
        b.click("#print-x")
        b.sees(self.say("已送打印", "Sent to the printer"), css="#say")
        b.click("#close-day")
        self.approves()
        b.wait("return location.hash === `#/day/${arguments[0]}`", "the closed day is shown", day["z_number"])
        b.sees(self.say("对账平", "balanced"), css="#settlement")
        b.js("document.querySelector('#paper').scrollIntoView()")
        b.wait("const p = document.querySelector('#paper'); return p.complete && p.naturalWidth > 300", "the report's picture")
        b.js("window.scrollTo(0, 0)")
        self.looks("day")
        closed = api("GET", f"/v1/reports/{day['business_date']}")
        assert closed["net"] == day["net"] and closed["cross_foot"], closed
        b.sees(text_of(day["net"]))
        return closed

    def prints_and_downloads(self, closed):
        b = self.browser
        b.click("#reprint")
        b.sees(self.say("已送打印", "Sent to the printer"), css="#say")
        self.has_printed()
        begins = {"pdf": b"%PDF-", "png": b"\x89PNG", "csv": b"", "json": b"{", "html": b"<!doctype html>", "text": b""}
        links = b.js("return [...document.querySelectorAll('.get a')].map(a => [a.getAttribute('href'), a.download])")
        assert len(links) == len(begins), links
        for link, name in links:
            request = urllib.request.Request(BASE + link, headers={"authorization": f"Bearer {TOKEN}"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                body = answer.read()
            kind = re.search(r"format=(\w+)", link).group(1)
            assert body.startswith(begins[kind]) and len(body) > 500, (link, body[:40])
            assert name.startswith(f"{closed['business_date']}-Z{closed['z_number']}."), name
        self.menu("days")
        b.sees(f"Z{closed['z_number']}", f"Z{closed['z_number'] + 1}")
        self.looks("days")

    def settles_a_case(self, closed):
        """The acquirer's statement has a payment that the store does not: a case, taken up and ended by a named person."""
        b, case = self.browser, store.a_statement(closed["business_date"])
        self.menu("exceptions")
        b.click(".tabs a[href='#/cases']")
        b.wait("return document.querySelectorAll('#cases tbody tr').length > 0", "the cases")
        self.looks("cases")
        b.click(f"#cases a[href='#/case/{case['id']}']")
        b.sees("99.00", self.say("对账单多", "the statement has more"))
        self.looks("case")
        b.type("#take-case input[name=note]", "4711")
        b.click("#take-case button")
        self.approves()
        b.sees(self.say("处理中", "in progress"), css="h1")
        assert "make_up" in case["ways"], case
        b.click("#resolve-case input[value=make_up]")
        b.type("#resolve-case input[name=reference]", "ADJ-1")
        b.click("#resolve-case .phrases button")
        b.click("#resolve-case [data-resolve]")
        self.approves()
        b.sees(self.say("处理结果", "How it ended"), self.say("补结算", "Make up"))
        self.looks("case-resolved")
        assert api("GET", f"/v1/cases/{case['id']}")["state"] == "resolved"

    def has_printed(self):
        """What was asked for came out of the printer: nothing waits in its spool."""
        for _ in range(200):
            front = next(port for port in api("GET", "/healthz")["ports"] if port["id"] == "front")
            if front["queued"] == 0 and front["attention"] is None:
                return
            time.sleep(0.1)
        raise AssertionError(f"the printer has not printed: {front}")

    def works_by_keyboard(self):
        """The page is loaded again, and used with Tab and Enter alone: the skip link, then the menu, then a page; each shows where the focus is."""
        b = self.browser
        b.reload()
        b.wait("return document.querySelectorAll('#days tbody tr').length > 0", "still logged in, on the same page")
        b.press("tab")
        assert b.js("return document.activeElement.className") == "skip"
        for _ in range(12):
            b.press("tab")
            if b.js("return document.activeElement.getAttribute('href')") == "#/exceptions":
                break
        outline = b.js("const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth")
        assert outline == "solid3px", outline
        b.press("enter")
        b.sees(self.say("没有需要处理的异常", "Nothing needs a decision"))
        self.looks("nothing")

    def loses_the_daemon(self):
        """The daemon is silent for a while: the figures stay, and the page says how old they are."""
        b = self.browser
        self.menu("today")
        b.sees(self.say("净额", "Net takings"))
        net = b.text("#net")
        b.network(offline=True)
        b.sees(self.say("已断开", "does not answer"), css=".gone")
        assert b.text("#net") == net
        self.looks("gone")
        b.network(offline=False)
        b.wait("return document.querySelector('#live').classList.contains('on') && !document.querySelector('.gone')", "live again", seconds=40)
        # One part alone that never came says so, and does not go on looking as if it would come.
        b.blocks(["*/v1/hours/*"])
        b.js("location.reload()")
        b.sees(self.say("收银程序没有应答", "The till does not answer"), css=".hours .notice")
        self.looks("no-hours")
        b.blocks([])
        b.wait("return document.querySelector('.hours svg, .hours canvas') && !document.querySelector('.gone')", "the hours again", seconds=40)

    def leaves(self):
        b = self.browser
        b.click("#logout")
        b.sees(self.say("店长登录", "Log in"))
        # 401 and 403 are what a wrong PIN and a page without a log-in get; a browser without a network notes that, too.
        bad = [c for c in b.complaints() if not re.search(r"401 \(|403 \(|ERR_INTERNET_DISCONNECTED|ERR_BLOCKED_BY_CLIENT", c)]
        assert not bad, bad


def a_day(size, english):
    cards = store.sell()
    store.make_an_exception()
    manager = Manager(size, english)
    try:
        manager.logs_in()
        manager.sees_today()
        manager.finds_a_payment(cards)
        difference = manager.counts_and_closes_a_shift()
        manager.resolves_the_exceptions()
        closed = manager.closes_the_day()
        booked = [d["difference"] for shift in closed["shifts"] if shift["closed"] for d in shift["drawers"] if d["difference"] is not None]
        assert difference in booked, (difference, booked)
        manager.settles_a_case(closed)
        manager.browser.go(f"/#/day/{closed['z_number']}")
        manager.prints_and_downloads(closed)
        manager.works_by_keyboard()
        manager.loses_the_daemon()
        manager.leaves()
        checked = "axe-core found nothing" if AXE else "axe-core was not there"
        print(f"{size[0]}x{size[1]} {'en' if english else 'zh'}: a day, {len(manager.looked_at)} pages looked at; {checked}", flush=True)
    finally:
        manager.browser.end()


def an_evening():
    """The same in the dark: every page has its contrast there, too."""
    manager = Manager((1024, 600), False, dark=True)
    try:
        assert manager.browser.js("return matchMedia('(prefers-color-scheme: dark)').matches")
        manager.logs_in()
        pay("1002", "POS2", 4200, "card", card=store.CARD)
        for page in ("today", "payments", "shifts", "close", "days", "exceptions"):
            manager.menu(page)
            manager.looks(f"dark-{page}")
        manager.menu("days")
        manager.browser.click("#days tbody tr:nth-child(2) a")
        manager.browser.sees("对账平")
        manager.looks("dark-day")
        manager.leaves()
        print(f"in the dark: {len(manager.looked_at)} pages", flush=True)
    finally:
        manager.browser.end()


for size, english in (((1024, 600), False), ((390, 844), True)):
    a_day(size, english)
an_evening()
