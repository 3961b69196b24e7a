// Writes docs/proof.md from the results that `npm run simulate` and `npm run chaos` append to proof/*.jsonl.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

function results(name) {
  const file = path.join(root, "proof", name);
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

const number = (value) => value.toLocaleString("en");
const seconds = (lines) => sum(lines, (line) => line.seconds);
const sum = (lines, of) => lines.reduce((total, line) => total + of(line), 0);

function simulation(lines) {
  const failed = lines.flatMap((line) => line.failed);
  const open = JSON.parse(readFileSync(path.join(root, "proof", "open-seeds.json"), "utf8"));
  const stillOpen =
    open.length === 1 ? "1 that is still open:" : `${open.length} that are still open:`;
  return [
    `${number(sum(lines, (line) => line.seeds))} seeds of \`npm run simulate\`, with ${number(sum(lines, (line) => line.items))} items and ${number(sum(lines, (line) => line.faults))} faults, many of them on earlier versions.`,
    `${failed.length} failed. The faults that they found are fixed, and each seed has run again since${open.length === 0 ? ": none fails." : `, except for ${stillOpen}`}`,
    "",
    ...(open.length === 0 ? [] : [...open.map(({ seed, found }) => `- ${seed}: ${found}`), ""]),
    "A thousand more run with every `npm test`. `apps/proof/src/simulation` lists the seeds that have failed as regression cases",
    "(`plan/regression-seeds.ts`) and the planted bugs (`planted/planted-bugs.ts`).",
  ];
}

function plantedBugs(lines) {
  const caught = lines.filter((line) => line.caught).length;
  return [
    `${caught} of ${lines.length} one-line sabotages of the product, planted one at a time, are caught by the simulation.`,
    "",
    "| planted bug | what it breaks | seeds until caught |",
    "| --- | --- | --- |",
    ...lines.map(
      (line) => `| ${line.bug} | ${line.why} | ${line.caught ? line.seeds : "missed"} |`,
    ),
  ];
}

function chaos(lines) {
  const rows = lines.map(({ at, scenario, seed, seconds, violations, cutShort, measured }) => {
    const told = [
      cutShort && "cut short",
      measured.target,
      measured.kills !== undefined &&
        `${number(typeof measured.kills === "number" ? measured.kills : sum(Object.values(measured.kills), Number))} kills`,
      measured.firstCompletionLongestMs !== undefined &&
        `first completion after a kill at most ${number(measured.firstCompletionLongestMs)} ms`,
      measured.failoverLongestMs !== undefined &&
        `failover at most ${number(measured.failoverLongestMs)} ms`,
      measured["share, four agents"] !== undefined &&
        `share of four agents ${measured["share, four agents"]}`,
      measured["rate with / without"] !== undefined &&
        `${number(measured.poison)} poison items, ${number(measured.deadLetters)} dead letters, rate with poison ${measured["rate with / without"]} of that without (bar ${measured["bar of the rate"]})`,
      measured["first: kept"] !== undefined &&
        `target unreachable (${measured.way}) for ${number(measured.downSeconds)} s: ${number(measured.messagesWaiting)} messages waited with delivery counts ${JSON.stringify(measured["delivery counts of them"])}, back at 90 % of its rate within ${number(measured["second: back at 90 % after ms"])} ms, the other target kept ${measured["first: kept"]} (bar ${measured["bar of that"]})`,
      measured.hangs !== undefined && `${measured.hangs} hangs`,
      `${number(measured.writes)} writes at the target`,
    ].filter(Boolean);
    return `| ${at.slice(0, 16).replace("T", " ")} | ${scenario} | ${seed} | ${seconds} | ${violations} | ${told.join(", ")} |`;
  });
  return [
    `${number(Math.round(seconds(lines) / 60))} minutes under faults in ${lines.length} runs.`,
    "",
    "| when (UTC) | scenario | seed | seconds | violations | what happened |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
    "",
    "The changes of the same day correct each violation. From 18:37 on, poison was measured with nothing else running on the machine.",
    "Until 18:47 a refused row made its whole batch run a second time, afterwards only its rows.",
  ];
}

const text = `# What has been proved so far

Written by \`node tools/write-proof.mjs\` from \`proof/*.jsonl\`, where long proofs are collected in pieces.

## Simulation

${simulation(results("simulation.jsonl")).join("\n")}

## Planted bugs

${plantedBugs(results("planted-bugs.jsonl")).join("\n")}

## Chaos with real processes

${chaos(results("chaos.jsonl")).join("\n")}
`;
writeFileSync(path.join(root, "docs", "proof.md"), text);
