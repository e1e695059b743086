"""Files that hold others: a mailbox, an archive, a page that Chromium saved."""

from __future__ import annotations

import mailbox
import subprocess
import tempfile
from email import message_from_bytes
from pathlib import Path

from tests.connectors.loaders.office.mails import mail

__all__ = ["archive_by_zip", "box_of", "page_by_chromium", "written_box"]


def box_of(*mails: bytes) -> bytes:
    """Return a mailbox as Python's own library writes it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "box"
        box = mailbox.mbox(place)
        for data in mails:
            box.add(mailbox.mboxMessage(message_from_bytes(data)))
        box.close()
        return place.read_bytes()


def written_box(sentence: str) -> bytes:
    """Return a mailbox of one mail."""
    return box_of(mail(sentence, {"Liste.csv": b"Ort,Text\nNord,offen\n"}))


def archive_by_zip(sentence: str) -> bytes:
    """Return an archive as Info-ZIP's program writes it, of a text and a file that none reads."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "Žádosti"
        home.mkdir()
        (home / "kostel.txt").write_text(sentence, encoding="utf-8")
        (home / "kostel.bin").write_bytes(b"\0\1")
        subprocess.run(["zip", "-q", "-r", "papers.zip", home.name], cwd=folder, check=True)
        return (Path(folder) / "papers.zip").read_bytes()


def page_by_chromium(sentence: str) -> bytes:
    """Return a page as Chromium saves it in a single file."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(
            f"<!DOCTYPE html><html lang='sv'><meta charset='utf-8'><title>Stranden i Ängby</title>"
            f"<h1>Stranden</h1><p>{sentence}</p><table><tr><th>Dag<th>Öppet<tr><td>Måndag<td>9-17"
            f"</table><p>日本語の案内もあります。</p></html>",
            encoding="utf-8",
        )
        try:
            driver.get(page.as_uri())
            return str(driver.execute_cdp_cmd("Page.captureSnapshot", {})["data"]).encode()
        finally:
            driver.quit()
