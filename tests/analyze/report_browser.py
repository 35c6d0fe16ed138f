"""Drives a report in headless Chromium, as a person with a keyboard would. Debian's chromium-driver and python3-selenium.

report_browser.py review REPORT FOLDER    reviews three suspects by keyboard, reloads, and saves FOLDER/decisions.tsv
report_browser.py corners REPORT          filters, loading, two tabs, many classes, and a browser that keeps nothing
report_browser.py page REPORT FOLDER      console, network, contrast, names of controls, widths; pictures into FOLDER
report_browser.py picture REPORT FILE     the suspects, some of them reviewed, as a picture of 1280x800
report_browser.py speed REPORT            milliseconds from a key to the next frame

Says what is wrong on stdout, a line each; silent where nothing is.
"""
import json
import pathlib
import sys
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys

# Contrast of text by WCAG 2.2: (lighter + .05) / (darker + .05) of relative luminances, at least 4.5. The background is the nearest
# ancestor's that has one, and in a picture its first rectangle's, which gnuplot fills with it.
CONTRAST = """
const parse = text => { const c = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith("color(srgb") ? [c[0] * 255, c[1] * 255, c[2] * 255, c[3] ?? 1] : [c[0], c[1], c[2], c[3] ?? 1]; };
const luminance = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255;
    return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
const background = node => { for (; node; node = node.parentElement) {
    const c = parse(getComputedStyle(node).backgroundColor); if (c[3] > 0) return c; } return [255, 255, 255, 1]; };
const worst = {};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let seen = 0;
while (walker.nextNode() && seen < 6000) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || node.closest("script,style,title,desc,option,datalist,dialog:not([open])")) continue;
    seen++;
    const style = getComputedStyle(node), inPicture = node.closest("svg") !== null;
    const plate = inPicture && node.closest("svg").querySelector("rect");
    const under = plate && getComputedStyle(plate).fill !== "none" ? parse(getComputedStyle(plate).fill) : background(node);
    const [a, b] = [luminance(parse(inPicture ? style.fill : style.color)), luminance(under)];
    const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const what = `${node.tagName} '${walker.currentNode.data.trim().slice(0, 30)}'`;
    if (contrast < 4.5) worst[what] = contrast;
}
return [seen, worst];
"""


def browser(folder=None, width=1280, height=800, script=True):
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars",
                     f"--window-size={width},{height}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    preferences = {} if script else {"profile.managed_default_content_settings.javascript": 2}
    if folder:
        preferences["download.default_directory"] = str(pathlib.Path(folder).resolve())
    options.add_experimental_option("prefs", preferences)
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    resize(driver, width, height)
    return driver


def resize(driver, width, height):
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                           {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})


def open_page(driver, report):
    driver.get(pathlib.Path(report).resolve().as_uri())


def complaints(driver):
    """What the console says, and every request but the page itself and what it holds."""
    for entry in driver.get_log("browser"):
        yield "console: " + entry["message"]
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            if not url.startswith(("data:", "blob:")) and not (url.startswith("file:") and url.endswith(".html")):
                yield "request: " + url[:200]


def press(driver, *keys):
    for key in keys:
        ActionChains(driver).send_keys(key).perform()


def current(driver):
    return driver.find_element(By.CSS_SELECTOR, "article[aria-current]")


def tap(driver, sample):
    driver.execute_script("document.getElementById(arguments[0]).scrollIntoView({block: 'center'})", "s" + sample)
    driver.find_element(By.ID, "s" + sample).click()


def expect(what, got, wanted):
    if got != wanted:
        print(f"{what}: got {got!r}, expected {wanted!r}")


def wait_for(path):
    for _ in range(100):
        if path.exists():
            return
        time.sleep(0.05)
    print(f"{path.name} was not saved")


def review(report, folder):
    folder = pathlib.Path(folder)
    driver = browser(folder)
    open_page(driver, report)
    cards = driver.find_elements(By.CSS_SELECTOR, "article")
    samples = [card.get_attribute("id")[1:] for card in cards[:5]]
    given = [card.get_attribute("data-g") for card in cards[:5]]
    suggested = [card.get_attribute("data-s") for card in cards[:5]]

    # By keyboard alone: Tab reaches the first suspect, as the only one of all in the order of tabs.
    for _ in range(60):
        press(driver, Keys.TAB)
        if driver.switch_to.active_element.tag_name == "article":
            break
    expect("the suspect that Tab reaches", current(driver).get_attribute("id"), "s" + samples[0])
    press(driver, "k")  # keeps the first
    expect("the next one after a decision", current(driver).get_attribute("id"), "s" + samples[1])
    press(driver, "s")  # changes the second to the suggested label
    press(driver, "x", "u", " ")  # removes the third, takes that back, and skips it
    expect("the one after a skip", current(driver).get_attribute("id"), "s" + samples[3])
    press(driver, "x")  # removes the fourth
    expect("said", "removed" in driver.find_element(By.CSS_SELECTOR, "[role=status]").text, True)

    def look(when):
        expect(f"progress {when}", driver.find_element(By.CSS_SELECTOR, ".count").text, f"3 of {len(cards)} reviewed")
        marks = [card.get_attribute("data-d") for card in driver.find_elements(By.CSS_SELECTOR, "article")[:5]]
        expect(f"marks {when}", marks, ["keep", "relabel", None, "remove", None])

    look("after three decisions")
    driver.refresh()
    look("after a reload")
    expect("where it goes on after a reload", current(driver).get_attribute("id"), "s" + samples[2])

    # Another label by its name, then undone; filters hide what is not of a pair.
    current(driver).click()
    press(driver, "o")
    names = json.loads(driver.find_element(By.ID, "data").get_attribute("textContent"))["classes"]
    third = next(name for i, name in enumerate(names) if str(i) not in (given[2], suggested[2]))
    press(driver, str(names.index(third)))
    expect("another label", driver.find_element(By.CSS_SELECTOR, f"#s{samples[2]} .verdict").text, "changed to " + third)
    driver.find_element(By.ID, "s" + samples[0]).click()
    press(driver, "u")
    look("after an undo")
    driver.execute_script("const s = document.querySelector('select'); s.value = arguments[0];"
                          "s.dispatchEvent(new Event('change'))", f"{given[0]} {suggested[0]}")
    shown = [card for card in driver.find_elements(By.CSS_SELECTOR, "article") if not card.get_attribute("hidden")]
    pairs = {(card.get_attribute("data-g"), card.get_attribute("data-s")) for card in shown}
    expect("pairs shown by a filter", pairs, {(given[0], suggested[0])})

    [button] = [b for b in driver.find_elements(By.CSS_SELECTOR, ".filters button") if b.text.startswith("Save")]
    button.click()
    wait_for(folder / "decisions.tsv")
    wanted = sorted([(int(samples[0]), "keep", given[0]), (int(samples[1]), "relabel", suggested[1]),
                     (int(samples[3]), "remove", "-")])
    expect("decisions.tsv", (folder / "decisions.tsv").read_text(),
           "".join(["#sample\tdecision\tlabel\n"] + ["%d\t%s\t%s\n" % row for row in wanted]))

    # A browser that knows nothing loads what was saved; a file about something else is refused, and nothing lost.
    driver.execute_script("localStorage.clear()")
    driver.refresh()
    expect("after a cleared storage", driver.find_element(By.CSS_SELECTOR, ".count").text, f"0 of {len(cards)} reviewed")
    chooser = driver.find_element(By.CSS_SELECTOR, "input[type=file]")
    chooser.send_keys(str((folder / "decisions.tsv").resolve()))
    time.sleep(0.3)
    look("after loading")
    for i, row in enumerate(["99999999\tkeep\t0", f"{samples[0]}\tkeep\t{suggested[0]}", f"{samples[0]}\tdrop\t-"]):
        (folder / f"{i}.tsv").write_text(f"#sample\tdecision\tlabel\n{row}\n")
        chooser.send_keys(str((folder / f"{i}.tsv").resolve()))
        time.sleep(0.3)
        alert = driver.find_element(By.CSS_SELECTOR, "[role=alert]").text
        expect("a refused file", alert.startswith(f"{i}.tsv was not loaded: line 2 "), True)
    look("after refused files")
    for complaint in complaints(driver):
        print(complaint)
    driver.quit()


def counted(driver):
    return driver.find_element(By.CSS_SELECTOR, ".count").text


def click(driver, button):
    [found] = [b for b in driver.find_elements(By.CSS_SELECTOR, "button") if b.text.startswith(button)]
    found.click()


def choose(driver, selector, value):
    driver.execute_script("const e = document.querySelector(arguments[0]), v = arguments[1];"
                          "typeof v === 'boolean' ? e.checked = v : e.value = v;"
                          "e.dispatchEvent(new Event('change'))", selector, value)


def corners(report):
    """A report of more than ten classes."""
    driver = browser()
    open_page(driver, report)
    cards = driver.find_elements(By.CSS_SELECTOR, "article")
    samples = [card.get_attribute("id")[1:] for card in cards]
    given, suggested = ([card.get_attribute(name) for card in cards] for name in ("data-g", "data-s"))
    progress = lambda n: f"{n} of {len(cards)} reviewed"

    # What has the focus is never under the controls (WCAG 2.2, 2.4.11).
    tap(driver, samples[0])
    for _ in range(15):
        press(driver, Keys.ARROW_DOWN)
        covered = driver.execute_script("return document.activeElement.getBoundingClientRect().bottom - "
                                        "document.querySelector('footer').getBoundingClientRect().top")
        if covered > 0:
            expect("pixels of the focused suspect under the controls", covered, 0)
            break

    # A filter leaves no room for what it hides, and what is hidden cannot be decided.
    choose(driver, "select", f"{given[-1]} {suggested[-1]}")
    pair = sum((g, s) == (given[-1], suggested[-1]) for g, s in zip(given, suggested))
    driver.execute_script("scrollTo(0, 0)")
    time.sleep(0.3)
    groups = driver.find_elements(By.CSS_SELECTOR, ".g")
    height = sum(group.size["height"] for group in groups)
    expect("a filter leaves room for what it hides", height <= 110 * pair, True)
    for _ in range(pair):
        click(driver, "Keep")
    expect("progress after a pair", counted(driver), progress(pair))
    choose(driver, "[type=checkbox]", True)
    click(driver, "Remove")
    expect("progress where no suspect is shown", counted(driver), progress(pair))
    for _ in range(pair):
        click(driver, "Undo")
    expect("progress after undoing all", counted(driver), progress(0))
    choose(driver, "[type=checkbox]", False)
    choose(driver, "select", "")

    # Many classes: by name, or number; not one that does not exist.
    tap(driver, samples[0])
    press(driver, "o", "no such class", Keys.ENTER)
    expect("progress after no class", counted(driver), progress(0))
    other = next(str(label) for label in range(10, 12) if str(label) not in (given[0], suggested[0]))
    press(driver, Keys.ESCAPE, "o", other, Keys.ENTER)
    expect("another label", driver.find_element(By.CSS_SELECTOR, f"#s{samples[0]} .verdict").text, "changed to " + other)
    press(driver, "u")

    # Two tabs: each shows what the other decides, and overwrites nothing even where it has not heard of it.
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    second = driver.current_window_handle
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {
        "source": "addEventListener('storage', event => window.isDeaf && event.stopImmediatePropagation())"})
    open_page(driver, report)
    driver.switch_to.window(first)
    tap(driver, samples[0])
    press(driver, "k")
    driver.switch_to.window(second)
    time.sleep(0.3)
    expect("what another tab decides", counted(driver), progress(1))
    driver.execute_script("window.isDeaf = true")
    driver.switch_to.window(first)
    tap(driver, samples[1])
    press(driver, "k")
    driver.switch_to.window(second)
    tap(driver, samples[2])
    press(driver, "x")
    driver.refresh()
    expect("what two tabs decided", counted(driver), progress(3))

    # What is loaded joins what was decided, and is undone in one step.
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.write("#sample\tdecision\tlabel\n" + "".join(f"{sample}\tremove\t-\n" for sample in samples[2:6]))
        file.flush()
        driver.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(file.name)
        time.sleep(0.3)
    expect("decided and loaded", counted(driver), progress(6))
    click(driver, "Undo")
    expect("a file undone", counted(driver), progress(3))
    for complaint in complaints(driver):
        print(complaint)

    # A browser that keeps nothing says so, and everything else works.
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {
        "source": "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }})"})
    open_page(driver, report)
    tap(driver, samples[0])
    press(driver, "k", "x")
    expect("progress in a browser that keeps nothing", counted(driver), progress(2))
    expect("a warning of it", "save them" in driver.find_element(By.CSS_SELECTOR, "[role=alert]").text, True)
    driver.quit()


def page(report, folder):
    folder = pathlib.Path(folder)
    driver = browser()
    for width, height in ((360, 740), (1280, 800), (3840, 2160)):
        resize(driver, width, height)
        open_page(driver, report)
        for theme in ("light", "dark"):
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                   {"features": [{"name": "prefers-color-scheme", "value": theme}]})
            seen, worst = driver.execute_script(CONTRAST)
            if seen < 20:
                print(f"only {seen} texts have a contrast")
            for what, contrast in list(worst.items())[:5]:
                print(f"{width} {theme}: contrast {contrast:.2f} of {what}")
            driver.execute_script("scrollTo(0, 0)")
            driver.save_screenshot(str(folder / f"{width}-{theme}-top.png"))
            driver.execute_script("document.getElementById('review').scrollIntoView()")
            driver.save_screenshot(str(folder / f"{width}-{theme}.png"))
        wide = driver.execute_script("return document.documentElement.scrollWidth")
        if wide > width:
            print(f"{width}: the page is {wide} wide, and has to be scrolled sideways")
        nodes = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        names = {node.get("name", {}).get("value") for node in nodes if node.get("role", {}).get("value") == "button"}
        expect("buttons named by what they do", {"Keep", "Change", "Other", "Remove", "Skip", "Undo"} - names, set())
        for node in nodes:
            role = node.get("role", {}).get("value")
            if not node.get("ignored") and role in ("button", "combobox", "checkbox", "textbox", "link", "image", "img", "article",
                                                    "toolbar", "progressbar", "dialog", "graphics-document") \
                    and not node.get("name", {}).get("value"):
                print(f"{width}: a {role} has no name")
        if width == 360:
            small = driver.execute_script("return [...document.querySelectorAll('button, select')].filter(e => "
                                          "e.getClientRects().length && e.getBoundingClientRect().height < 44).length")
            expect("controls that are too low to touch", small, 0)
    for complaint in complaints(driver):
        print(complaint)
    driver.quit()
    driver = browser(script=False)
    open_page(driver, report)
    text = driver.find_element(By.TAG_NAME, "main").text
    first = driver.find_element(By.CSS_SELECTOR, "article").get_attribute("id")[1:]
    expect("a suspect without JavaScript", first in text, True)
    expect("controls without JavaScript", len(driver.find_elements(By.TAG_NAME, "button")), 0)
    driver.quit()


def picture(report, file):
    driver = browser()
    open_page(driver, report)
    first = driver.find_element(By.CSS_SELECTOR, "article").get_attribute("id")[1:]
    tap(driver, first)
    press(driver, "s", "s", "s", "x", "s")
    driver.execute_script("document.getElementById('review').scrollIntoView()")
    time.sleep(0.5)
    driver.save_screenshot(file)
    driver.quit()


def speed(report):
    driver = browser()
    open_page(driver, report)
    times = driver.execute_async_script("""
        const done = arguments[0], times = [];
        const cards = document.querySelectorAll("article");
        cards[0].focus();
        const one = () => {
            if (times.length === 40) return done(times.sort((a, b) => a - b));
            const start = performance.now();
            document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "k", bubbles: true}));
            requestAnimationFrame(() => { const channel = new MessageChannel();
                channel.port1.onmessage = () => { times.push(performance.now() - start); one(); };
                channel.port2.postMessage(0); });
        };
        one();""")
    print(f"suspects\t{len(driver.find_elements(By.CSS_SELECTOR, 'article'))}")
    print(f"key-to-frame-median-ms\t{times[len(times) // 2]:.1f}\nkey-to-frame-max-ms\t{times[-1]:.1f}")
    driver.quit()


if __name__ == "__main__":
    {"review": review, "corners": corners, "page": page, "picture": picture,
     "speed": speed}[sys.argv[1]](*sys.argv[2:])
