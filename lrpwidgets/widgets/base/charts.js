// bqplot 0.13 leaves an empty group whenever it draws bars; a page would grow with every change.
/** @param {{ el: HTMLElement }} view */
function render({ el }) {
  let frame = requestAnimationFrame(begin);
  const sweeping = new MutationObserver((changes) => {
    const charts = new Set(changes.map(({ target }) => /** @type {Element} */ (target).closest(".bqplot")));
    for (const chart of charts) for (const group of chart?.querySelectorAll("g:empty") ?? []) if (!group.attributes.length) group.remove();
  });

  function begin() {
    const charts = el.closest(".lrp-chart");
    if (charts) sweeping.observe(charts, { childList: true, subtree: true });
    else frame = requestAnimationFrame(begin); // this is not on the page yet
  }

  return () => {
    cancelAnimationFrame(frame);
    sweeping.disconnect();
  };
}

export default { render };
