"""The page in a real browser: upload, encrypt, save, open, wrong key, tampered file, damage; what is left."""

import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import jaxcrypt
from tests.support import photo

pytest.importorskip("gradio", reason="the page needs Gradio: pip install 'jaxcrypt[demo]'")
webdriver = pytest.importorskip("selenium.webdriver", reason="driving a browser needs selenium")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
if not (CHROMIUM and DRIVER):
    pytest.skip("no chromium with chromedriver here", allow_module_level=True)

By = pytest.importorskip("selenium.webdriver.common.by").By
Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
WebDriverWait = pytest.importorskip("selenium.webdriver.support.ui").WebDriverWait
ROOT = Path(__file__).parents[2]
KEY = "a passphrase for this test"
SWITCHES = (
    *(
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
    ),
    *("disable-component-update", "disable-sync", "disable-dev-shm-usage", "window-size=1400,1600"),
)
SECONDS = 120


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The running page: its address, its process, its output."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    output = tmp_path_factory.mktemp("demo") / "output"
    with output.open("wb") as file:
        command = [sys.executable, "-m", "jaxcrypt.demo", "--port", str(port)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "XLA_FLAGS": ""}
        running = subprocess.Popen(command, stdout=file, stderr=file, cwd=output.parent, env=environment)
    try:
        end = time.monotonic() + SECONDS
        while "Open http" not in output.read_text() and running.poll() is None and time.monotonic() < end:
            time.sleep(0.2)
        if "Open http" not in output.read_text():
            pytest.skip(f"the page did not start: {output.read_text()[-300:]}")
        yield f"http://127.0.0.1:{port}/", running, output
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(SECONDS)


@pytest.fixture
def browser(tmp_path):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for switch in (*SWITCHES, f"user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(f"--{switch}")
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path / "saved")})
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def until(browser, css, text=""):
    """The first element that ``css`` finds once it shows ``text``."""

    def seen(_):
        elements = browser.find_elements(By.CSS_SELECTOR, css)
        return elements[0] if elements and text in elements[0].text else None

    return WebDriverWait(browser, SECONDS, 0.2, [Exception]).until(seen, f"{css}: {text!r}")


def upload(browser, where, path):
    browser.find_element(By.CSS_SELECTOR, f"#{where} input[type=file]").send_keys(str(path))


def click(browser, css):
    browser.execute_script("arguments[0].click()", until(browser, css))


def tab(browser, name):
    for button in browser.find_elements(By.CSS_SELECTOR, "button[role=tab]"):
        if button.text == name:
            browser.execute_script("arguments[0].click()", button)


def passphrase(browser, text):
    field = until(browser, "#passphrase input")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(text, Keys.TAB)


def saved(folder):
    """The one file that the browser saved."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        files = [path for path in folder.glob("*.png") if path.stat().st_size]
        if files and not list(folder.glob("*.crdownload")):
            return files[0]
        time.sleep(0.2)
    raise AssertionError("nothing was saved")


def encrypted(browser, server, plain, tmp_path):
    browser.get(server[0])
    passphrase(browser, KEY)
    upload(browser, "photo", plain)
    until(browser, "#encrypt-note", "96×72")
    click(browser, "#encrypt")
    until(browser, "#encrypt-note", "Sealed")
    until(browser, "#encrypted figure")


def test_there_and_back(server, browser, tmp_path):
    plain = photo(tmp_path / "photo.jpg", (96, 72))
    encrypted(browser, server, plain, tmp_path)
    captions = [one.text for one in browser.find_elements(By.CSS_SELECTOR, "#encrypted figcaption")]
    assert "right key, from the pixels: the same, sample by sample" in captions
    assert any("bits a sample" in one for one in captions)
    click(browser, "#save")
    sealed = saved(tmp_path / "saved")
    opened = jaxcrypt.unseal(sealed.read_bytes(), jaxcrypt.Keys(passphrase=KEY))
    assert opened.files == [("photo.jpg", plain.read_bytes())]

    tab(browser, "Open")
    upload(browser, "sealed", sealed)
    until(browser, "#open-note", "bytes")
    click(browser, "#open")
    until(browser, "#open-note", "the very file")
    until(browser, "#opened figure img")
    assert until(browser, "#opened a.jcsave").get_attribute("download") == "photo.jpg"
    encoded = until(browser, "#opened a.jcsave").get_attribute("href").partition(",")[2]
    assert base64.b64decode(encoded) == plain.read_bytes()

    passphrase(browser, "another one")
    click(browser, "#open")
    until(browser, "#open-note", "no key fits")
    assert not browser.find_elements(By.CSS_SELECTOR, "#opened figure")

    data = bytearray(sealed.read_bytes())
    data[data.index(b"IDAT") + 200] ^= 1
    (tmp_path / "tampered.png").write_bytes(data)
    passphrase(browser, KEY)
    click(browser, "#sealed button[aria-label='Clear']")
    upload(browser, "sealed", tmp_path / "tampered.png")
    until(browser, "#open-note", "tampered.png")
    click(browser, "#open")
    until(browser, "#open-note", "damaged or tampered")
    assert_nothing_is_left(server, browser, plain)


def assert_nothing_is_left(server, browser, plain):
    """No other host was asked, no photo lies in the page's folder, no key in its output."""
    messages = [json.loads(line["message"])["message"] for line in browser.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    hosts = {url.split("/")[2] for url in asked if url.startswith(("http", "ws"))}
    assert hosts == {server[0].split("/")[2]}
    digest = hashlib.sha256(plain.read_bytes()).digest()
    for folder in map(Path, ("/dev/shm", "/tmp")):
        for place in folder.glob("jaxcrypt-demo-*"):
            files = [path for path in place.rglob("*") if path.is_file()]
            assert digest not in {hashlib.sha256(path.read_bytes()).digest() for path in files}
    assert KEY not in server[2].read_text()


def test_damage_and_mistakes(server, browser, tmp_path):
    browser.get(server[0])
    click(browser, "#encrypt")
    until(browser, "#encrypt-note", "add a photo first")
    upload(browser, "photo", photo(tmp_path / "photo.png", (96, 72)))
    until(browser, "#encrypt-note", "96×72")
    click(browser, "#encrypt")
    until(browser, "#encrypt-note", "give a passphrase")
    click(browser, "#new-key")
    field = until(browser, "#system input")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys("mixing", Keys.ENTER)
    click(browser, "#encrypt")
    until(browser, "#encrypt-note", "Sealed")
    tab(browser, "Damage")
    number = until(browser, "#noise input[type=number]")
    number.send_keys(Keys.CONTROL, "a")
    number.send_keys("8", Keys.TAB)
    until(browser, "#damage-note", "dB")
    assert len(browser.find_elements(By.CSS_SELECTOR, "#damaged figure img")) == 3
