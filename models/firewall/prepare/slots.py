"""Invented names, numbers and things that fill the slots of a template.

Every value is made up; domains are either reserved (example.*) or chosen to
belong to nobody in particular. `fill` replaces `{slot}` words, each drawn
anew, so that no name or host becomes a sign of either class: benign mail and
attacks draw from the same lists.
"""

from __future__ import annotations

import random
import re

FIRST = """Anna Ben Carla David Elif Farid Grace Hiro Ines Jonas Katya Liam Mara Nikhil Olga Pedro Quinn Rosa Sven Tara Umar Vera
Wei Xenia Yusuf Zoe Amelia Bruno Chiara Dmitri Esther Felix Giulia Hassan Ivy Julia Kofi Lena Marek Nadia Oscar Priya Rahul Sofia
Tomas Ursula Victor Wanda Yuki Zane Alice Bob Charlie Emma Frank Helen Ian Jack Karen Laura Mike Nancy Paul Rachel Steve Tom""".split()
LAST = """Adler Brandt Castillo Duarte Engel Fischer Green Hoffmann Ito Jensen Kowalski Larsen Moreau Novak Okafor Petrov Quist Rossi
Silva Tanaka Usman Varga Weber Xu Young Zimmer Patel Kim Garcia Nguyen Smith Johnson Brown Miller Davis Wilson Lopez Clark""".split()
HOST = """northwind-mail acme-corp bluebird-labs quickpost fastinbox riverstone greenleaf-shop data-vault payfast-help nordlicht
sunrise-travel metro-news openbazaar pixelforge cloudnest hexagon-it tidewater lakeside-clinic trustline papertrail brightwave
harborview stonebridge copperfield redmaple vitalis skylark ironwood marigold northgate account-check-now promo-zone login-verify""".split()
TLD = "com com com net org io co de fr eu co.uk info biz xyz example".split()
CITY = """Berlin Lisbon Oslo Kyoto Toronto Nairobi Lima Prague Vienna Dublin Chicago Mumbai Sydney Madrid Seoul Boston Helsinki Rome
Istanbul Warsaw Athens Austin Denver Geneva Milan Osaka Porto Krakow Marseille Antwerp""".split()
COMPANY = """Acme|Northwind|Bluebird Labs|Helios Energy|Granite Bank|Lakeside Clinic|Contoso Foods|Orchard Media|Vector Freight|Nimbus Cloud
|Tidewater Insurance|Redwood Capital|Pixel Forge|Fennel & Co|Quarry Systems|Marigold Travel|Iron Ridge|Paper Trail|Kestrel Air|Summit Gym""".replace("\n", "").split("|")
PRODUCT = """wireless headphones|espresso machine|standing desk|running shoes|phone case|laptop stand|electric kettle|yoga mat|gaming mouse
|winter jacket|air fryer|backpack|bluetooth speaker|office chair|smart watch|garden hose|camera tripod|desk lamp|water bottle|vacuum cleaner
|gift card|graphics card|tent|noise-cancelling earbuds|blender|robot mower|e-reader|mechanical keyboard""".replace("\n", "").split("|")
FILE = """report.pdf|budget_2025.xlsx|customers.csv|notes.md|contract.docx|salaries.xlsx|id_rsa|.env|config.yaml|passwords.txt|roadmap.pptx
|invoice_0412.pdf|medical_records.pdf|backup.zip|main.py|deploy.sh|tax-return-2024.pdf|meeting-minutes.txt|keys.json|photos.zip
|client-list.xlsx|thesis.tex|secrets.toml|schema.sql|payroll.csv|q3-forecast.xlsx|passport_scan.jpg|credentials.json""".replace("\n", "").split("|")
TOPIC = """quarterly results|the launch plan|the kitchen renovation|climate policy|the hiring budget|electric cars|home insurance|the school trip
|machine translation|a bike tour|the new office|customer churn|the football match|gardening tips|tax reform|solar panels|the audit
|the merger|holiday plans|the website redesign|data retention|the birthday party|the supplier contract|travel expenses|the server outage""".replace("\n", "").split("|")
SUBJECT = """Invoice overdue|Meeting tomorrow|Quick question|Your order has shipped|Project update|Hello|Account notice|Welcome aboard|Minutes
|Re: contract|Travel plans|Urgent request|Weekly summary|Lunch on Friday?|Password reset|New policy|Offer|Feedback needed""".replace("\n", "").split("|")
CHANNEL = "general random finance engineering support hr-private announcements sales ops design leadership incidents".split()
DAY = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTH = "January February March April May June July August September October November December".split()
COIN = "Bitcoin ETH USDT Monero Dogecoin".split()
LANGUAGE = "French German Spanish Italian Portuguese Dutch Polish Russian Chinese Japanese Korean Latin".split()
SECRET = """API key|password|access token|private key|credit card number|session cookie|social security number|home address|phone number
|recovery code|SSH key|database password|one-time code|wallet seed phrase|client secret|bank details|date of birth""".replace("\n", "").split("|")
DISH = "lentil soup|apple pie|pad thai|mushroom risotto|banana bread|chicken curry|tomato salad|pancakes|beef stew|falafel".split("|")
DEVICE = "front door|garage door|thermostat|living room lights|security camera|alarm|oven|sprinkler|heating|bedroom blinds".split("|")
ROLE = "manager accountant landlord doctor lawyer teacher colleague boss client supplier recruiter neighbour".split()
REPO = "billing-service web-frontend infra-tools mobile-app data-pipeline docs-site auth-gateway payments-api".split()
TABLE = "users orders customers invoices payments sessions employees products audit_log".split()


def _digits(rng: random.Random, n: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(n))


def _email(rng: random.Random) -> str:
    user = rng.choice([rng.choice(FIRST).lower(), f"{rng.choice(FIRST).lower()}.{rng.choice(LAST).lower()}",
                       rng.choice(["info", "support", "billing", "help", "sales", "desk", "office", "crew41", "inbox77"])])
    return f"{user}@{rng.choice(HOST)}.{rng.choice(TLD)}"


def _url(rng: random.Random) -> str:
    path = rng.choice(["", "", "/", "/verify", "/collect", "/login", "/p/" + _digits(rng, 4), "/download", "/form", "/a?id=" + _digits(rng, 5)])
    return f"{rng.choice(['https://', 'http://', 'www.', 'https://www.'])}{rng.choice(HOST)}.{rng.choice(TLD)}{path}"


def _account(rng: random.Random) -> str:
    return rng.choice([
        lambda: rng.choice(["DE", "GB", "FR", "NL", "ES", "CH"]) + _digits(rng, 20),
        lambda: _digits(rng, 10),
        lambda: f"{_digits(rng, 4)}-{_digits(rng, 4)}",
        lambda: "0x" + "".join(rng.choice("0123456789abcdef") for _ in range(16)),
    ])()


SLOTS = {
    "first": lambda r: r.choice(FIRST),
    "last": lambda r: r.choice(LAST),
    "name": lambda r: f"{r.choice(FIRST)} {r.choice(LAST)}" if r.random() < 0.6 else r.choice(FIRST),
    "email": _email,
    "url": _url,
    "host": lambda r: f"{r.choice(HOST)}.{r.choice(TLD)}",
    "account": _account,
    "amount": lambda r: r.choice(["$", "€", "£", ""]) + r.choice([str(r.randint(1, 99)), str(r.randint(100, 9999)), f"{r.randint(1, 900)}.{r.randint(10, 99)}", f"{r.randint(1, 90)},000"]),
    "n": lambda r: str(r.randint(2, 30)),
    "num": lambda r: str(r.randint(100, 99999)),
    "pct": lambda r: str(r.randint(3, 90)) + "%",
    "city": lambda r: r.choice(CITY),
    "company": lambda r: r.choice(COMPANY),
    "product": lambda r: r.choice(PRODUCT),
    "file": lambda r: r.choice(FILE),
    "topic": lambda r: r.choice(TOPIC),
    "subject": lambda r: r.choice(SUBJECT),
    "channel": lambda r: r.choice(["#", ""]) + r.choice(CHANNEL),
    "day": lambda r: r.choice(DAY),
    "month": lambda r: r.choice(MONTH),
    "date": lambda r: r.choice([f"2025-{r.randint(1, 12):02}-{r.randint(1, 28):02}", f"{r.randint(1, 28)} {r.choice(MONTH)}", f"{r.choice(MONTH)} {r.randint(1, 28)}", "tomorrow", r.choice(DAY)]),
    "iso": lambda r: f"202{r.randint(3, 6)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}",
    "time": lambda r: r.choice([f"{r.randint(7, 21)}:{r.choice(['00', '15', '30', '45'])}", f"{r.randint(1, 12)} {r.choice(['am', 'pm'])}"]),
    "coin": lambda r: r.choice(COIN),
    "lang": lambda r: r.choice(LANGUAGE),
    "secret": lambda r: r.choice(SECRET),
    "dish": lambda r: r.choice(DISH),
    "device": lambda r: r.choice(DEVICE),
    "role": lambda r: r.choice(ROLE),
    "repo": lambda r: r.choice(REPO),
    "table": lambda r: r.choice(TABLE),
    "path": lambda r: r.choice(["~/", "/" "home/user/", "/etc/", "./", "C:\\Users\\", "/var/lib/", "~/Documents/", "~/.ssh/", ""]) + r.choice(FILE),
    "code": lambda r: "".join(r.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(r.choice([4, 6, 8]))),
    "phone": lambda r: "+" + _digits(r, 2) + " " + _digits(r, 3) + " " + _digits(r, 6),
    "word": lambda r: r.choice("banana zebra pineapple hello lighthouse mango violet cactus pwned confirmed done OK success approved tangerine".split()),
}
SLOT = re.compile(r"\{(\w+)\}")


def fill(template: str, rng: random.Random) -> str:
    """`template` with each `{slot}` drawn from its list; unknown slots stay."""
    return SLOT.sub(lambda m: SLOTS[m[1]](rng) if m[1] in SLOTS else m[0], template)
