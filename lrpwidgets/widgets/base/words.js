// What the words of the dashboards mean.

/** @type {[string, string][]} */
export const WORDS = [
  ["f", "The score that is explained: what the network says of the class, before a softmax makes a probability of it."],
  ["relevance R", "The share of f that a pixel, a word, a channel or a layer is given. Positive relevance speaks for the class, negative against it."],
  ["Σ R", "All relevance at one place of the network together. If nothing were lost on the way it would be f everywhere."],
  ["rule", "How a layer hands relevance from its outputs down to its inputs."],
  ["composite", "Which rule each layer gets."],
  ["ε", "The ε-rule gives in proportion to what each input contributed. A small ε keeps sums near 0 from blowing up, and absorbs some relevance."],
  ["γ", "The γ-rule favours what contributed for the class; the larger γ, the less is left of what spoke against it."],
  ["z⁺, αβ, zᴮ, flat", "Rules that count only what speaks for the class (z⁺), weigh it against the rest (αβ), know the range of pixels (zᴮ), or spread evenly (flat)."],
  ["ledger", "The account of f: what reached the input, and what biases, stabilizers and rules kept."],
  ["μ, context ratio", "Mean relevance outside of a region over that inside (Lapuschkin et al. 2016): above 1 the network looks at the surroundings."],
  ["τ, separability", "How far two groups of maps lie apart. A high value calls for a look: it may be a second strategy."],
  ["sink", "A token on which relevance piles up for no reason of the text: the first one, separators, marks."],
  ["pin", "A map that stays beside the live one, for comparison."],
];

/**
 * What a word means; empty if it is not listed.
 *
 * @param {string} word
 */
export function meaningOf(word) {
  return WORDS.find(([each]) => each === word)?.[1] ?? "";
}
