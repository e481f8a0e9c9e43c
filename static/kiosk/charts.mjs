/* The charts of the front page: stacked bars by Chart.js, which the theme brings. A bar leads to the records behind it. */

const COLOURS = { first: '--chart-first', second: '--chart-second', third: '--chart-third', quiet: '--chart-quiet' };

/** What Chart.js gets of a chart's data; `colour` gives the value of a custom property. */
export function configuration(data, colour) {
  const ink = colour('--chart-ink');
  const axis = { stacked: true, border: { display: false }, ticks: { color: ink, precision: 0 } };
  return {
    type: 'bar',
    data: {
      labels: data.labels,
      datasets: data.series.map((series) => ({
        label: series.label,
        data: series.values,
        backgroundColor: colour(COLOURS[series.colour]),
        borderRadius: 2,
        maxBarThickness: 36,
      })),
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: 'index', intersect: false },
      plugins: { legend: { display: false } },
      scales: {
        x: { ...axis, grid: { display: false }, ticks: { ...axis.ticks, autoSkipPadding: 12, maxRotation: 0 } },
        y: { ...axis, beginAtZero: true, grid: { color: colour('--chart-line') } },
      },
      onClick: (_event, _elements, chart) => {
        const url = data.urls[chart.getElementsAtEventForMode(_event, 'index', { intersect: false }, false)[0]?.index];
        if (url) globalThis.location.assign(url);
      },
    },
  };
}

function draw(canvas) {
  const data = JSON.parse(document.getElementById(canvas.dataset.figures).textContent);
  const style = getComputedStyle(document.documentElement);
  const chart = new globalThis.Chart(canvas, configuration(data, (name) => style.getPropertyValue(name).trim()));
  canvas.dataset.drawn = String(data.series.length);
  return chart;
}

if (globalThis.document) {
  const canvases = [...document.querySelectorAll('canvas[data-figures]')];
  let charts = canvases.map(draw);
  // The dark mode is a class of the root element.
  new MutationObserver(() => {
    charts.forEach((chart) => chart.destroy());
    charts = canvases.map(draw);
  }).observe(document.documentElement, { attributeFilter: ['class'] });
}
