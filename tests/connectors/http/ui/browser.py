"""Headless Chromium on the page, and what a person (or a screen reader) finds there."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.marks import unavailable

SCREENSHOTS = "RAG_ENGINE_SCREENSHOTS"
_PATIENCE_S = 300.0
_WATCH = """
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) =>
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""
_HOLD_BACK = """
const [end] = arguments;
const real = window.fetch;
window.sent = [];
window.release = null;
window.fetch = (url, options = {}) => {
  if (options.body) window.sent.push(JSON.parse(options.body));
  if (!String(url).endsWith(end)) return real(url, options);
  return new Promise((resolve) => (window.release = async () => {
    resolve(real(url, options));
    await new Promise((done) => setTimeout(done, 300));
  }));
};
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser that knows no proxy and asks nobody for drivers or updates."""
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.chrome.service import Service

    program = shutil.which("chromium") or shutil.which("google-chrome")
    driver_program = shutil.which("chromedriver")
    if program is None or driver_program is None:
        unavailable("browser", "chromium and chromedriver are not both on the PATH")
    options = webdriver.ChromeOptions()
    options.binary_location = str(program)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument("--no-proxy-server")
    options.add_argument("--disable-background-networking")
    options.add_argument("--window-size=1100,900")
    options.add_argument("--accept-lang=en-US")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.set_capability("unhandledPromptBehavior", "ignore")  # a dialog is to be noticed
    try:
        driver = webdriver.Chrome(options=options, service=Service(driver_program))
    except WebDriverException as error:
        unavailable("browser", f"Chromium does not start: {error.msg}")
    try:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})
        yield Browser(driver)
    finally:
        driver.quit()


class Browser:
    """The page as it is driven and looked at."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.base = ""
        self._network: list[dict[str, Any]] = []

    def open(self, base: str, *, ready: bool = True, **address: str) -> None:
        """Load the page afresh; ``address`` is what stands behind the '#'."""
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self._network.clear()
        self.base = base
        self.driver.get(f"{base}/" + (f"#{urlencode(address)}" if address else ""))
        if ready:
            self.until(lambda: not self.js("return document.getElementById('languages').hidden"))

    def search(self, base: str, question: str, **address: str) -> None:
        """Load the page with a question, and wait for what was found."""
        self.open(base, q=question, **address)
        self.until_status(" · ", "No passage")

    def js(self, script: str, *values: object) -> Any:
        return self.driver.execute_script(script, *values)

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements("css selector", selector)

    def one(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def text(self, selector: str) -> str:
        return self.js("return document.querySelector(arguments[0])?.textContent ?? ''", selector)

    def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until something is so, and return it."""
        end = time.monotonic() + _PATIENCE_S
        while not (found := condition()):
            assert time.monotonic() < end, self.text("#status") + self.text("#alert")
            time.sleep(0.03)
        return found

    def until_status(self, *parts: str) -> str:
        """Wait until the status line holds one of some texts."""

        def said() -> str:
            status = self.text("#status")
            return status if any(part in status for part in parts) else ""

        return self.until(said)

    def keys(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def press(self, *keys: str) -> None:
        """Press keys the way a keyboard does, without choosing an element."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self) -> str:
        """What has the focus: its id, else its class or tag."""
        return self.js(
            "const at = document.activeElement;"
            "return at.id || at.getAttribute('class') || at.tagName.toLowerCase()"
        )

    def requests(self) -> list[str]:
        """Addresses that were asked for since the page was loaded."""
        self._network += [
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        ]
        return [
            each["params"]["request"]["url"]
            for each in self._network
            if each["method"] == "Network.requestWillBeSent"
        ]

    def dialogs(self) -> int:
        self.requests()
        return sum(each["method"] == "Page.javascriptDialogOpening" for each in self._network)

    def complaints(self, *, network: bool = True) -> list[str]:
        """What the console holds; without ``network``, not that a request was answered 4xx."""
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if network or entry["source"] != "network"
        ]

    def assert_clean(self, *, network: bool = True) -> None:
        """Nothing was asked of anyone else, run, refused by the policy or complained of."""
        asked = self.requests()
        assert asked
        ours = (f"{self.base}/", f"blob:{self.base}/")  # a blob is in the page's own memory
        assert [url for url in asked if not url.startswith(ours)] == []
        assert self.dialogs() == 0
        assert self.js("return window.violations") == []
        assert self.js("return typeof window.pwned") == "undefined"
        assert self.complaints(network=network) == []

    def accessibility_tree(self) -> list[dict[str, Any]]:
        """The nodes that a screen reader is told of."""
        self.driver.execute_cdp_cmd("Accessibility.enable", {})
        tree = self.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        return [node for node in tree if not node["ignored"]]

    def media(self, **features: str) -> None:
        """Pretend preferences: ``prefers_color_scheme="dark"``."""
        told = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": told})

    @contextmanager
    def reader_of(self, *tags: str) -> Iterator[None]:
        """Pretend that its user reads these languages, the first best, and has chosen none yet."""
        agent = self.js("return navigator.userAgent")

        def tell(languages: str) -> None:
            told = {"userAgent": agent, "acceptLanguage": languages}
            self.driver.execute_cdp_cmd("Emulation.setUserAgentOverride", told)

        tell(",".join(tags))
        try:
            yield
        finally:
            tell("en-US")
            self.js("sessionStorage.clear()")

    @contextmanager
    def offline(self) -> Iterator[None]:
        """Take the network away."""

        def network(*, offline: bool) -> None:
            told = {"offline": offline, "latency": 0}
            told |= {"downloadThroughput": -1, "uploadThroughput": -1}
            self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", told)

        self.driver.execute_cdp_cmd("Network.enable", {})
        network(offline=True)
        try:
            yield
        finally:
            network(offline=False)

    def hold_back(self, end: str) -> None:
        """Keep replies to addresses that end so back; `window.sent` holds what is asked."""
        self.js(_HOLD_BACK, end)

    def is_held_back(self) -> bool:
        return self.js("return window.release !== null")

    def release(self) -> None:
        """Let the reply come that was held back last, and the page do what it does with it."""
        self.js("return window.release()")

    def choose(self, language: str) -> None:
        """Choose the page's language, and wait until it speaks it."""
        self.one(f"#locale option[value={language}]").click()
        self.until(lambda: self.js("return document.documentElement.lang") == language)

    def cut_off(self, width: int) -> list[str]:
        """What stands beyond the edges of a page of a width, in pixels."""
        return self.js(
            "return [...document.body.querySelectorAll('*')].filter((each) =>"
            " each.checkVisibility() && !each.closest('.hidden, .skip')"
            " && (each.getBoundingClientRect().right > arguments[0] + 1"
            " || each.getBoundingClientRect().left < -1)).map((each) => each.outerHTML)",
            width,
        )

    def size(self, width: int, height: int = 900) -> None:
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )

    def full_size(self) -> None:
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def picture(self, name: str) -> None:
        """Keep a screenshot, if the environment names a folder for them."""
        if folder := os.environ.get(SCREENSHOTS):
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))
