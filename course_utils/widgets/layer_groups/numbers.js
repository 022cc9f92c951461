// What moves when a network is trained with some layer groups frozen; the same as widget.py, which a test compares with a real step.

import { sum } from "../base/numbers.js";

// Of each group: its weights, the running averages of its batch norms, and which of the two move.
export function groupsOf(groups, firstTrainable, batchNormsFrozen) {
  return groups.map((blocks, number) => {
    const trains = number >= firstTrainable;
    const averages = sum(blocks.map((block) => block.averages));
    return { weights: sum(blocks.map((block) => block.weights)), averages, trains, learns: trains && !batchNormsFrozen && averages > 0 };
  });
}

export function totals(groups) {
  return {
    weights: sum(groups.map((group) => group.weights)),
    moving: sum(groups.map((group) => (group.trains ? group.weights : 0))),
    averages: sum(groups.map((group) => group.averages)),
    learning: sum(groups.map((group) => (group.learns ? group.averages : 0))),
  };
}
