"use strict";
// Draws the charts of the page from its data block, in the colours of the style sheet, again when these change.
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const config = {
    displaylogo: false, responsive: true, showTips: false,
    // The library's own default is a button that uploads the chart: a report's numbers are nobody else's.
    showSendToCloud: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  };
  const draw = () => {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    for (const [id, figure] of Object.entries(charts)) {
      for (const trace of figure.data) trace.marker.color = colour(trace.meta);
      const layout = figure.layout;
      layout.font.color = colour("--ink");
      layout.modebar = { bgcolor: "rgba(0,0,0,0)", color: colour("--soft"), activecolor: colour("--accent") };
      layout.hoverlabel.bgcolor = colour("--sheet");
      layout.hoverlabel.bordercolor = colour("--line");
      layout.hoverlabel.font = { color: colour("--ink") };
      for (const axis of [layout.xaxis, layout.yaxis]) {
        axis.gridcolor = colour("--grid");
        axis.linecolor = colour("--line");
        axis.zerolinecolor = colour("--line");
      }
      Plotly.react(document.getElementById(id), figure.data, layout, { ...config, displayModeBar: figure.tools });
    }
    document.documentElement.dataset.drawn = "yes";
  };
  scheme.addEventListener("change", draw);
  draw();
})();
