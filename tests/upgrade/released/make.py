"""Plays a small day and a half against the simulated acquirer with the released 0.1.0 binary, and leaves the store stopped."""
import http.client, json, os, signal, socket, subprocess, sys, time, shutil
tilld, out = sys.argv[1], sys.argv[2]
shutil.rmtree(out, ignore_errors=True); os.makedirs(out); os.chdir(out)
s = socket.socket(); s.bind(("127.0.0.1", 0)); port = s.getsockname()[1]; s.close()
open("POS1.tmk","w").write("01"*16+"\n"); open("POS2.tmk","w").write("02"*16+"\n")
for f in ("POS1.tmk","POS2.tmk"): os.chmod(f,0o600)
open("tilld.toml","w").write(f'''[store]
id = "S001"
name = "望京店"
timezone = "Asia/Shanghai"
currency = "CNY"
day_cut = "manual"
[data]
dir = "data"
mark_file = "tilld.mark"
[api]
socket = "s"
[acquirer]
profile = "unionpay-pos"
endpoint = "tcp://127.0.0.1:{port}"
tpdu = "6000030000"
header = "602200000000"
timeout_ms = 1000
[offline]
max_amount = 50000
max_total = 2000000
max_count = 500
max_age_hours = 72
[[terminal]]
id = "POS1"
tid = "10000001"
mid = "898100000000001"
master_key_file = "POS1.tmk"
[[terminal]]
id = "POS2"
tid = "10000002"
mid = "898100000000001"
master_key_file = "POS2.tmk"
''')
open("scenario.toml","w").write('''terminal_timeout_ms = 1000
latency_ms = 2
[[decline]]
ending = 51
code = "51"
[[fault]]
on = ["sale"]
stan = 999999
do = "drop_answer"
''')
open("scenario2.toml","w").write('''terminal_timeout_ms = 1000
latency_ms = 2
[[fault]]
on = ["sale", "reversal"]
do = "drop_answer"
''')
env = dict(os.environ, TILLD_CONFIG=os.path.abspath("tilld.toml"), TILLD_LOG="info")
class U(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX); self.sock.connect("s")
def call(method, path, body=None):
    c = U("tilld", timeout=60)
    c.request(method, path, json.dumps(body) if body is not None else None, {"content-type":"application/json"})
    r = c.getresponse(); t = r.read(); c.close()
    try: return r.status, json.loads(t)
    except ValueError: return r.status, t
def host(scenario):
    return subprocess.Popen([tilld,"sim","acquirer","--listen",f"127.0.0.1:{port}","--books","books.jsonl","--statement","statement.csv",
        "--scenario",scenario,"--terminal","10000001=@POS1.tmk=898100000000001","--terminal","10000002=@POS2.tmk=898100000000001"],
        env=env, stdout=subprocess.DEVNULL, stderr=open("host.log","a"))
for who, name, role in (("1001","小王","cashier"),("1002","小李","cashier"),("9001","周店长","manager"),("9009","老郑","technician")):
    subprocess.run([tilld,"cashier","add",who,"--name",name,"--role",role,"--pin-stdin"],input=b"246810\n",env=env,check=True,stdout=subprocess.DEVNULL)
h = host("scenario.toml"); time.sleep(0.5)
import atexit; atexit.register(lambda: [p.kill() for p in (h, d)])
d = subprocess.Popen([tilld,"run"],env=env,stderr=open("daemon.log","a"))
for _ in range(100):
    try:
        if call("GET","/healthz")[0]==200: break
    except OSError: pass
    time.sleep(0.1)
T = ["6222021234567890128=49121010000000000","4111111111111111=49121010000000000000","5555555555554444=49121010000000000000"]
n=0
CARD={}
def pay(kind, method, amount, device="POS1", cashier="1001", expect=None, **more):
    global n; n+=1
    b = dict(request_id=f"order-{n}", kind=kind, method=method, amount=amount, device=device, cashier=cashier, currency="CNY", **more)
    if kind!="sale" and kind not in("preauth","balance"): b["approval"]={"manager":"9001","pin":"246810"}
    if method=="card" and "card" not in b: b["card"]={"track2":CARD.get(more.get("original"),T[n%3]),"entry":"magstripe"}
    if kind=="refund": b["confirm_amount"]=amount
    st, a = call("POST","/v1/payments",b)
    print(st, kind, method, amount, a.get("state"), a.get("code"), a.get("response_code"), flush=True)
    if method=="card": CARD[a.get("id")]=b["card"]["track2"]
    if expect: assert a.get("state")==expect, a
    return a
def up():
    for _ in range(200):
        st = json.loads(subprocess.run([tilld,"status","--json"],env=env,capture_output=True).stdout or "{}")
        if st.get("terminals") and all(t["line"]=="up" and t["signed_on"] for t in st["terminals"]): return
        time.sleep(0.1)
    raise SystemExit("no line: "+str(st))
up()
print(call("POST","/v1/shifts/open",{"cashier":"1001","device":"POS1","float":20000}))
for i in range(6): pay("sale","card",1000+i*111,"POS1" if i%2 else "POS2","1001" if i%2 else "1002",expect="approved")
pay("sale","card",1051,expect="declined")
for i in range(4): pay("sale","qr",2000+i,"POS2","1002",expect="approved",auth_code=f"62{100000000000000000+i*7919}"[:19])
c1=pay("sale","cash",3300,expect="approved"); pay("sale","cash",4400,"POS2","1002",expect="approved"); pay("sale","voucher",500,"POS2","1002")
s1=pay("sale","card",9900,expect="approved"); pay("void","card",9900,original=s1["id"],expect="approved")
pay("refund","cash",300,original=c1["id"],expect="approved")
s2=pay("sale","card",8800,"POS2","1002",expect="approved")
p=pay("preauth","card",7000)
print(call("POST","/v1/shifts/pay-in",{"cashier":"1001","device":"POS1","amount":5000,"reason":"零钱"}))
h.send_signal(signal.SIGTERM); h.wait(); time.sleep(1.5)
for i in range(3): pay("sale","card",1500+i,"POS1" if i%2 else "POS2",expect="stored")
w=pay("sale","card",1700,"POS1",expect="stored"); pay("void","card",1700,original=w["id"])
h=host("scenario.toml"); up(); time.sleep(2)
print(call("POST","/v1/shifts/count",{"cashier":"1001","device":"POS1","counted":27900}))
print(call("POST","/v1/shifts/close",{"cashier":"1001","approval":{"manager":"9001","pin":"246810"}}))
r=subprocess.run([tilld,"close","--json","--wait","60"],env=env,capture_output=True); print(r.returncode, r.stderr.decode()[-500:])
day=json.loads(r.stdout); print(day["business_date"],day["state"],day["settlement"])
# the second day is open
for i in range(3): pay("sale","card",6000+i,"POS1" if i%2 else "POS2",expect="approved")
pay("refund","card",800,"POS2","1002",original=s2["id"])
pay("sale","cash",1234,expect="approved"); pay("sale","qr",4567,"POS2","1002",auth_code="6210000000000079999")
h.send_signal(signal.SIGTERM); h.wait(); h=host("scenario2.toml"); up()
pay("sale","card",7100,"POS1",expect="unknown"); 
h.send_signal(signal.SIGTERM); h.wait(); time.sleep(1.5)
for i in range(2): pay("sale","card",2500+i,"POS1" if i else "POS2",expect="stored")
print(subprocess.run([tilld,"status"],env=env,capture_output=True).stdout.decode())
d.send_signal(signal.SIGTERM); print("daemon", d.wait())
r=subprocess.run([tilld,"verify"],env=env,capture_output=True); print(r.returncode, r.stdout.decode(), r.stderr.decode())
print(os.listdir("."), os.listdir("data"))
