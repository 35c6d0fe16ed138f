// Decisions about a log, a Map of sample -> {decision, label}: as the text of decisions.tsv, which
// `tidy-analyze clean --decisions` reads, and as the browser keeps them.
"use strict";

// `data` is what the page says of the log; givenOf(sample) is the given label, or undefined where the page has none.
function decisionsAbout(data, givenOf) {
    const header = "#sample\tdecision\tlabel";
    const keptAs = `tidy-decision-${data.fingerprint}-`;

    const isLabel = text => /^\d+$/.test(text) && Number(text) < data.classes.length;
    const toRow = (sample, {decision, label}) => `${sample}\t${decision}\t${label ?? "-"}`;

    function toText(decisions) {
        const sorted = [...decisions].sort((a, b) => a[0] - b[0]);
        return [header, ...sorted.map(([sample, made]) => toRow(sample, made)), ""].join("\n");
    }

    // Throws an Error that names the line where the text is no list of decisions about this log.
    function fromText(text) {
        const found = new Map();
        const lines = text.split(/\r?\n/);
        if (lines[0] !== header) throw new Error("its first line is not sample, decision, label");
        lines.forEach((line, index) => {
            if (line === "" || line.startsWith("#")) return;
            const [sample, decision, label] = line.split("\t");
            const isKnown = decision === "remove" || (["keep", "relabel"].includes(decision) && isLabel(label));
            if (!/^\d+$/.test(sample) || Number(sample) >= data.samples || !isKnown)
                throw new Error(`line ${index + 1} is no decision about this log: ${line}`);
            if (decision === "keep" && (givenOf(sample) ?? Number(label)) !== Number(label))
                throw new Error(`line ${index + 1} keeps a label that sample ${sample} was not given`);
            found.set(Number(sample), {decision, label: decision === "remove" ? undefined : Number(label)});
        });
        return found;
    }

    // The browser keeps an item for each decision, so that tabs do not overwrite what others decide. Both throw where
    // it keeps nothing.
    function keep(sample, made) {
        if (made === undefined) localStorage.removeItem(keptAs + sample);
        else localStorage.setItem(keptAs + sample, toRow(sample, made));
    }

    function kept() {
        const rows = Object.keys(localStorage).filter(key => key.startsWith(keptAs)).map(key => localStorage[key]);
        return fromText([header, ...rows].join("\n"));
    }

    // Calls changed(sample, decision or undefined) whenever another tab has decided.
    function watch(changed) {
        addEventListener("storage", event => {
            if (!event.key?.startsWith(keptAs)) return;
            const sample = Number(event.key.slice(keptAs.length));
            changed(sample, fromText(`${header}\n${event.newValue ?? ""}`).get(sample));
        });
    }

    return {toText, fromText, keep, kept, watch};
}
