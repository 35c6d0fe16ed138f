// Reviewing suspects on the report's page: decisions by keyboard or touch, kept by the browser and saved as a file
// (decisions.js). The page is readable without this script, which makes all controls.
"use strict";
(() => {
    const data = JSON.parse(document.getElementById("data").textContent);
    const section = document.getElementById("review");
    const cards = [...section.querySelectorAll("article")];
    const groups = [...section.querySelectorAll(".g")];
    if (cards.length === 0) return;
    const byDigit = data.classes.length <= 10;
    const done = {keep: "kept", relabel: "changed", remove: "removed"};

    // sample -> {decision, label}: all that was decided about the log, also about samples that are not on this page.
    const decisions = new Map();
    const undoable = []; // for each step the [sample, decision or undefined] that it changed, as they were before
    let current = null;

    const sampleOf = card => Number(card.id.slice(1));
    const given = card => Number(card.dataset.g);
    const suggested = card => Number(card.dataset.s);
    const isOpen = card => !decisions.has(sampleOf(card));
    const list = decisionsAbout(data, sample => {
        const card = document.getElementById("s" + sample);
        return card ? given(card) : undefined;
    });
    const className = label => data.classes[label];

    function make(tag, properties = {}, ...children) {
        const element = Object.assign(document.createElement(tag), properties);
        element.append(...children);
        return element;
    }

    // A key on a button, of whose name it is no part.
    function hint(key) {
        const element = make("kbd", {}, keyText(key));
        element.setAttribute("aria-hidden", "true");
        return element;
    }

    // ---- what stays when the page is closed

    let isKept = true, isSaved = true;

    function store(sample, made) {
        isSaved = false;
        try {
            list.keep(sample, made);
        } catch (error) {
            warnUnkept();
        }
    }

    function restore() {
        try {
            for (const [sample, made] of list.kept()) set(sample, made);
        } catch (error) {
            warnUnkept();
        }
    }

    function warnUnkept() {
        isKept = false;
        warn("This browser does not keep decisions: save them before you close the page.");
    }

    // ---- the controls

    const actions = [
        {keys: ["k"], text: "Keep", tip: "the given label is right", run: () => decide("keep", given(current))},
        {keys: ["s", "Enter"], text: "Change", tip: "the suggested label is right",
         run: () => decideLabel(suggested(current))},
        {keys: ["o"], text: "Other", tip: "another label is right", run: askLabel},
        {keys: ["x", "Delete"], text: "Remove", tip: "no label is right", run: () => decide("remove")},
        {keys: ["ArrowRight", " "], text: "Skip", tip: "to the next open suspect", run: () => go(next(current, 1))},
        {keys: ["u", "Backspace"], text: "Undo", tip: "takes the last decision back", run: undo, always: true},
    ];
    const others = [
        {keys: ["ArrowLeft"], run: () => go(neighbour(current, -1))},
        {keys: ["ArrowDown"], run: () => go(neighbour(current, 1))},
        {keys: ["ArrowUp"], run: () => go(neighbour(current, -1))},
        {keys: ["?"], run: () => help.showModal()},
    ];
    const byKey = new Map([...actions, ...others].flatMap(action => action.keys.map(key => [key, action])));

    const said = make("p", {className: "said", role: "status"});
    const warning = make("p", {className: "warning", role: "alert", hidden: true});
    const progress = make("progress", {max: cards.length, value: 0});
    progress.setAttribute("aria-label", "reviewed");
    const count = make("span", {className: "count"});
    const pairs = make("select");
    const onlyOpen = make("input", {type: "checkbox"});
    const save = make("button", {type: "button"}, "Save decisions.tsv");
    const file = make("input", {type: "file", accept: ".tsv,.txt", hidden: true});
    const load = make("button", {type: "button"}, "Load");
    const ask = make("button", {type: "button"}, "Keys");
    const help = make("dialog", {id: "help"});
    const other = make("dialog", {id: "other"});
    const label = make("input", {autocomplete: "off", required: true});

    function keyText(key) {
        const names = {ArrowRight: "→", ArrowLeft: "←", ArrowDown: "↓", ArrowUp: "↑", " ": "space"};
        return names[key] ?? (key.length === 1 ? key.toUpperCase() : key);
    }

    function makeToolbar() {
        const bar = make("div", {className: "bar", role: "group"});
        bar.setAttribute("aria-label", "Review");
        for (const action of actions) {
            const button = make("button", {type: "button", title: action.tip},
                action.text, hint(action.keys[0]));
            button.setAttribute("aria-keyshortcuts", action.keys.map(key => key === " " ? "Space" : key).join(" "));
            button.addEventListener("click", () => act(action));
            bar.append(button);
        }
        bar.append(make("span", {className: "state"}, progress, count));
        return bar;
    }

    function act(action) {
        if (current || action.always) action.run();
        else say("No suspect is shown: change the filter.");
    }

    function makeFilters() {
        const number = new Map();
        for (const card of cards) {
            const pair = card.dataset.g + " " + card.dataset.s;
            number.set(pair, (number.get(pair) ?? 0) + 1);
        }
        pairs.append(make("option", {value: ""}, `all (${cards.length})`));
        for (const [pair, many] of [...number].sort((a, b) => b[1] - a[1])) {
            const [from, to] = pair.split(" ").map(className);
            pairs.append(make("option", {value: pair}, `${from} → ${to} (${many})`));
        }
        return make("div", {className: "filters"}, make("label", {}, "Given → suggested ", pairs),
            make("label", {}, onlyOpen, " only open ones"), save, load, file, ask);
    }

    function fillDialogs() {
        const rows = [...actions, {keys: ["Ctrl+Z"], tip: "the same"},
            {keys: ["↓", "↑", "←"], tip: "to the suspect after or before"}, {keys: ["?"], tip: "this help"}];
        const names = data.classes.map((name, index) => name === String(index) ? name : `${index} ${name}`).join(", ");
        if (byDigit) rows.push({keys: ["0", String(data.classes.length - 1)], tip: `the label is that one: ${names}`});
        help.append(make("h3", {}, "Keys"), make("table", {}, ...rows.map(row => make("tr", {},
            make("th", {}, ...row.keys.flatMap(key => [make("kbd", {}, keyText(key)), " "])), make("td", {}, row.tip)))),
            make("p", {}, "They work where a suspect has the focus: click one, or press Tab."),
            make("form", {method: "dialog"}, make("button", {}, "Close")));
        help.setAttribute("aria-label", "Keys");
        other.setAttribute("aria-label", "The right label");
        const cancel = make("button", {value: "", formNoValidate: true}, "Cancel");
        other.append(make("h3", {}, "The right label"),
            make("form", {method: "dialog"}, ...(byDigit ? classButtons() : classField()), cancel));
        other.addEventListener("close", () => {
            if (other.returnValue !== "") decideLabel(Number(other.returnValue));
            else current.focus();
        });
    }

    // Few classes are chosen by a click or a digit, many by name or number.
    function classButtons() {
        other.addEventListener("keydown", event => {
            if (isDigit(event.key)) other.close(event.key);
        });
        return data.classes.map((name, index) => make("button", {value: String(index)}, name, hint(String(index))));
    }

    function classField() {
        const button = make("button", {}, "Change");
        label.setAttribute("list", "classes");
        label.addEventListener("input", () => {
            button.value = labelOf(label.value) ?? "";
            label.setCustomValidity(button.value === "" ? "There is no such class" : "");
        });
        return [make("label", {}, "Name or number ", label), button,
            make("datalist", {id: "classes"}, ...data.classes.map(name => make("option", {value: name})))];
    }

    // Is a key that of a class?
    function isDigit(key) {
        return byDigit && /^\d$/.test(key) && Number(key) < data.classes.length;
    }

    // A class by its name or number; undefined: there is none.
    function labelOf(text) {
        const named = data.classes.indexOf(text.trim());
        if (named >= 0) return named;
        return /^\d+$/.test(text) && Number(text) < data.classes.length ? Number(text) : undefined;
    }

    function askLabel() {
        label.value = "";
        other.returnValue = "";
        other.showModal();
    }

    // ---- what happens

    function say(text) {
        said.textContent = text;
    }

    function warn(text) {
        warning.textContent = text;
        warning.hidden = text === "";
    }

    function show(card) {
        const made = decisions.get(sampleOf(card));
        let verdict = card.querySelector(".verdict");
        if (made === undefined) {
            delete card.dataset.d;
            verdict?.remove();
            return;
        }
        card.dataset.d = made.decision;
        if (!verdict) card.querySelector("p").append(verdict = make("span", {className: "verdict"}));
        verdict.textContent = done[made.decision] + (made.decision === "relabel" ? " to " + className(made.label) : "");
    }

    let reviewed = 0;

    function showProgress() {
        progress.value = reviewed;
        count.textContent = `${reviewed} of ${cards.length} reviewed`;
    }

    function set(sample, to) {
        const card = document.getElementById("s" + sample);
        const was = decisions.has(sample);
        if (to === undefined) decisions.delete(sample);
        else decisions.set(sample, to);
        if (!card) return;
        reviewed += (to !== undefined) - was;
        show(card);
    }

    // Changes [[sample, decision or undefined], ...]; the same of how it was before.
    function change(changes) {
        const before = changes.map(([sample]) => [sample, decisions.get(sample)]);
        for (const [sample, to] of changes) {
            set(sample, to);
            store(sample, to);
        }
        showProgress();
        return before;
    }

    function decide(decision, to) {
        const sample = sampleOf(current);
        undoable.push(change([[sample, {decision, label: to}]]));
        const card = next(current, 1);
        say(`${sample} ${current.querySelector(".verdict").textContent}. ` +
            (card ? "" : "All suspects shown are reviewed: save the decisions."));
        if (card) go(card);
        else current.focus();
    }

    function decideLabel(to) {
        decide(to === given(current) ? "keep" : "relabel", to);
    }

    function undo() {
        const before = undoable.pop();
        if (before === undefined) {
            say("Nothing to undo.");
            return;
        }
        change(before);
        const [sample] = before[0];
        say(before.length === 1 ? `${sample}: decision taken back.` : `${before.length} decisions taken back.`);
        const card = document.getElementById("s" + sample);
        if (!card) return;
        card.hidden = false;
        fitGroup(card.parentElement);
        go(card);
    }

    // The card beside one, of those that the filters show; itself where there is none.
    function neighbour(card, step) {
        for (let i = cards.indexOf(card) + step; i >= 0 && i < cards.length; i += step)
            if (!cards[i].hidden) return cards[i];
        return card;
    }

    // The next open card that the filters show, from the start again after the last; null: there is none.
    function next(card, step) {
        const from = card ? cards.indexOf(card) : -1;
        for (let i = 1; i <= cards.length; i++) {
            const candidate = cards[(from + i * step + cards.length) % cards.length];
            if (!candidate.hidden && isOpen(candidate)) return candidate;
        }
        return null;
    }

    // null: none is left to choose.
    function choose(card) {
        if (current && current !== card) {
            current.removeAttribute("aria-current");
            current.tabIndex = -1;
        }
        current = card;
        if (!card) return;
        card.setAttribute("aria-current", "true");
        card.tabIndex = 0;
    }

    function go(card) {
        if (!card) {
            say("No open suspect is left here.");
            return;
        }
        choose(card);
        card.focus({preventScroll: true});
        card.scrollIntoView({block: "nearest"});
    }

    // Out of view a group keeps the height that it had in view, which is wrong once some of it is hidden.
    function fitGroup(group) {
        const hidden = group.querySelectorAll("article[hidden]").length;
        group.hidden = hidden === group.childElementCount;
        group.classList.toggle("part", hidden > 0);
    }

    function filter() {
        for (const card of cards)
            card.hidden = (pairs.value !== "" && pairs.value !== card.dataset.g + " " + card.dataset.s) ||
                (onlyOpen.checked && !isOpen(card));
        groups.forEach(fitGroup);
        const shown = cards.filter(card => !card.hidden);
        say(`${shown.length} suspects shown.`);
        choose(shown.find(isOpen) ?? shown[0] ?? null);
    }

    save.addEventListener("click", () => {
        const link = make("a", {download: "decisions.tsv",
            href: URL.createObjectURL(new Blob([list.toText(decisions)], {type: "text/tab-separated-values"}))});
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10000);
        isSaved = true;
        say(`${decisions.size} decisions saved.`);
    });
    load.addEventListener("click", () => file.click());
    file.addEventListener("change", async () => {
        if (file.files.length === 0) return;
        const name = file.files[0].name;
        try {
            const loaded = [...list.fromText(await file.files[0].text())];
            if (loaded.length > 0) undoable.push(change(loaded));
            if (isKept) warn("");
            say(`${loaded.length} decisions loaded from ${name}.`);
        } catch (error) {
            warn(`${name} was not loaded: ${error.message}`);
        }
        file.value = "";
    });
    pairs.addEventListener("change", filter);
    onlyOpen.addEventListener("change", filter);
    ask.addEventListener("click", () => help.showModal());

    list.watch((sample, made) => {
        set(sample, made);
        showProgress();
        say(`${sample} was changed in another tab.`);
    });

    addEventListener("beforeunload", event => {
        if (!isKept && !isSaved) event.preventDefault();
    });

    section.addEventListener("focusin", event => {
        const card = event.target.closest("article");
        if (card) choose(card);
    });
    section.addEventListener("click", event => {
        const card = event.target.closest("article");
        if (card) card.focus({preventScroll: true});
    });
    section.addEventListener("keydown", event => {
        if (!event.target.closest("article") || event.altKey) return;
        const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
        if (event.ctrlKey || event.metaKey) {
            if (key !== "z") return;
            undo();
        } else if (isDigit(key)) decideLabel(Number(key));
        else if (byKey.has(key)) byKey.get(key).run();
        else return;
        event.preventDefault();
    });

    for (const card of cards) card.tabIndex = -1;
    fillDialogs();
    section.querySelector(".g").before(makeFilters(), warning);
    const footer = make("footer", {}, makeToolbar(), said);
    section.append(footer, help, other);
    // What has the focus scrolls into view above the controls.
    new ResizeObserver(() => document.documentElement.style.scrollPaddingBottom = footer.offsetHeight + 8 + "px")
        .observe(footer);
    restore();
    showProgress();
    choose(next(null, 1) ?? cards[0]);
})();
