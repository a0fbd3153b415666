// Shapes of SVG, where a drawing is not worth a chart of its own.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element of a drawing; a text gets its words as a child.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {...(Node | string)} children
 */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  attribute(made, attributes);
  made.append(...children);
  return made;
}

/**
 * Set attributes of an element.
 *
 * @param {Element} node
 * @param {Record<string, string | number>} attributes
 */
export function attribute(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
}

/**
 * Where words go that would stand at these heights, so that none covers another: in their order, at least `gap` apart.
 *
 * @param {number[]} heights
 * @param {number} gap
 */
export function apart(heights, gap) {
  const order = heights.map((_, place) => place).sort((a, b) => heights[a] - heights[b]);
  const placed = [...heights];
  let last = -Infinity;
  for (const place of order) last = placed[place] = Math.max(heights[place], last + gap);
  return placed;
}
