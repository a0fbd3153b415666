// Ink that can be read on whatever colour is below it.

const ENOUGH = 4.5; // of WCAG 2.2, for text

/**
 * The ink for words on `paper`: that of the page where it can be read there, else black or white, of which one always can.
 *
 * @param {ArrayLike<number>} paper
 * @param {ArrayLike<number>} ink
 */
export function inkOn(paper, ink) {
  const light = lightOf(paper);
  if (ink.length === 3 && contrast(light, lightOf(ink)) >= ENOUGH) return ink; // none before the page is there
  return contrast(light, 1) > contrast(light, 0) ? [255, 255, 255] : [0, 0, 0];
}

/**
 * @param {number} one luminance
 * @param {number} other
 */
function contrast(one, other) {
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}

/** @param {ArrayLike<number>} colour */
function lightOf(colour) {
  const [r, g, b] = [0, 1, 2].map((part) => linear(colour[part] / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {number} share */
function linear(share) {
  return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}
