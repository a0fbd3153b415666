// The numbers of lrpwidgets/colours.py, which a test holds these against.

/** Strength of a colour is |r| to this power, which keeps faint relevance visible. */
export const GAMMA = 0.7;

/** Paper whose parts sum to no more is dark. */
export const DARK = 383;

/** On dark paper the brightest part of a hue is this. */
export const SHINING = 240;

/** Colours from nothing to the strongest relevance, at equal distances, as [r, g, b]; without a zero the paper is it. */
export const MAPS = {
  "red–blue": { positive: [[178, 34, 34]], negative: [[33, 102, 172]], zero: null },
  "orange–purple": { positive: [[179, 88, 6]], negative: [[84, 39, 136]], zero: null },
  "brown–teal": { positive: [[140, 81, 10]], negative: [[1, 102, 94]], zero: null },
  "magenta–green": { positive: [[197, 27, 125]], negative: [[77, 146, 33]], zero: null },
  "fire–ice": { positive: [[200, 30, 10], [255, 190, 30], [255, 255, 235]], negative: [[15, 70, 220], [30, 200, 255], [235, 255, 255]], zero: [0, 0, 0] },
};
