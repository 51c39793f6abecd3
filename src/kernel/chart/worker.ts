/** A thread that draws: the libraries are loaded here, and are gone with it. See draw.ts. */

import { createRequire } from 'node:module';
import { parentPort } from 'node:worker_threads';
import type * as Library from 'echarts';
import { messageOf } from '../errors.ts';
import type { Chart } from './chart.ts';
import type { Order } from './draw.ts';
import { heightOf, type Manner, optionOf, width } from './option.ts';

const require = createRequire(import.meta.url);
// The bundle takes a quarter of the time and of the memory of its thousand modules.
const echarts = require('echarts') as typeof Library;

function svgOf(chart: Chart, manner: Manner): string {
  const drawing = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height: heightOf(chart) });
  try {
    drawing.setOption(optionOf(chart, manner));
    return drawing.renderToSVGString();
  } finally {
    drawing.dispose();
  }
}

/** The text needs a font of ours: with none there would be no text, and no error. */
function pngOf(svg: string, scale: number): Buffer {
  const { Resvg } = require('@resvg/resvg-js') as typeof import('@resvg/resvg-js');
  const fonts = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map(name => require.resolve(`dejavu-fonts-ttf/ttf/${name}`));
  const font = {
    loadSystemFonts: false,
    fontFiles: fonts,
    defaultFontFamily: 'DejaVu Sans',
    sansSerifFamily: 'DejaVu Sans',
  };
  return new Resvg(svg, { font, fitTo: { mode: 'zoom', value: scale } }).render().asPng();
}

parentPort?.on('message', (order: Order & { id: number }) => {
  try {
    const svg = svgOf(order.chart, order.manner);
    const drawn = order.as === 'svg' ? svg : pngOf(svg, order.scale);
    parentPort?.postMessage({ id: order.id, drawn });
  } catch (error) {
    parentPort?.postMessage({ id: order.id, because: messageOf(error) });
  }
});
