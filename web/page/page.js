// @ts-check
// The search page: what follows a change of the query, and what comes first.

/** @import { Problem } from "./api.js" */
/** @import { Change } from "./state.js" */
import * as api from "./api.js";
import * as filter from "./filter.js";
import * as input from "./input.js";
import { say } from "./message.js";
import * as results from "./results.js";
import { limitTo, listen, state } from "./state.js";
import * as steps from "./steps.js";
import { drawProblem } from "./troubles.js";
import * as viewer from "./viewer.js";

const SLIDING_MS = 300; // A search starts when the slider rests.
const RETRY_MS = 2000;

/** @type {Record<Change, () => void>} */
const FOLLOW = {
  step() {
    draw();
    steps.push();
    results.ask();
  },
  weight() {
    steps.replace();
    results.ask(SLIDING_MS);
  },
  sliding: () => results.ask(SLIDING_MS),
  more: () => results.ask(),
  restored() {
    draw();
    results.ask();
    input.nameItems();
  },
  named: () => input.draw(),
  full: () => say(`A query holds at most ${state.limits.terms} terms.`),
};

function draw() {
  input.draw();
  filter.draw();
}

/** Show the counts of the server's index and keep to its limits. Tries again until the server answers. */
async function readStatus(waited = false) {
  try {
    const { segments, limits } = await api.status();
    filter.drawCounts(segments);
    limitTo(limits);
    input.limitText(limits.text);
    if (waited) results.ask();
  } catch (error) {
    if (!(error instanceof api.Problem)) throw error;
    failed(error);
    if (error.status !== 401) setTimeout(readStatus, RETRY_MS, true);
  }
}

/** @param {Problem} problem */
function failed(problem) {
  results.clear();
  drawProblem(problem, {
    again: () => results.ask(),
    keyed() {
      readStatus();
      results.ask();
    },
  });
}

listen((change) => FOLLOW[change]());
filter.begin();
results.begin(failed);
viewer.begin();
steps.begin();
readStatus();
input.begin(() => results.ask());
