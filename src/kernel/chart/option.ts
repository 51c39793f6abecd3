import type { EChartsOption, LineSeriesOption } from 'echarts';
import { DateTime } from 'luxon';
import { type Chart, type Line, timesOf } from './chart.ts';
import { comparisonWords, factsOf } from './describe.ts';
import { type Look, looks } from './look.ts';
import { short, showNumber } from './words.ts';

/** How it is shown. */
export interface Manner {
  /** The IANA zone of the times. */
  zone: string;
  theme: 'light' | 'dark';
}

/** The size in units of the text's pixels: on a phone the picture is about 360 wide, so the small text is 11 pixels there. */
export const width = 420;
const plot = 250;
const legendRow = 20;

export function heightOf({ lines, more }: Pick<Chart, 'lines' | 'more'>): number {
  return plot + legendHeight(lines) + moreHeight(more);
}

function legendHeight(lines: readonly Line[]): number {
  return lines.length > 1 ? lines.length * legendRow + 6 : 0;
}

/** The line about series that are not drawn. */
function moreHeight(more: number): number {
  return more > 0 ? legendRow : 0;
}

/** Everything that is drawn. All texts are data: they are cut here, and escaped where the SVG is written. */
export function optionOf(chart: Chart, { zone, theme }: Manner): EChartsOption {
  const look = looks[theme];
  const { lines, more } = chart;
  const top = 56;
  return {
    animation: false,
    useUTC: true,
    backgroundColor: look.back,
    color: [...look.lines],
    textStyle: { fontFamily: 'DejaVu Sans, sans-serif', fontSize: 13, color: look.text },
    title: {
      text: titleOf(chart),
      subtext: subtitleOf(chart, zone),
      left: 10,
      top: 8,
      itemGap: 5,
      textStyle: { fontSize: 15, fontWeight: 'bold', color: look.text, fontFamily: 'DejaVu Sans, sans-serif' },
      subtextStyle: { fontSize: 12.5, color: look.quiet, fontFamily: 'DejaVu Sans, sans-serif' },
    },
    grid: {
      left: 10,
      right: 18,
      top: top + 8,
      bottom: 10 + legendHeight(lines) + moreHeight(more),
      containLabel: true,
    },
    ...(lines.length > 1 ? { legend: legendOf(lines, more, look) } : {}),
    ...(more > 0 ? { graphic: moreOf(more, look) } : {}),
    xAxis: timeAxis(chart, zone, look),
    yAxis: valueAxis(chart, look),
    series:
      lines.length === 0 ? [emptyLine(chart, zone, look)] : lines.map((_, index) => seriesOf(chart, index, zone, look)),
  };
}

function titleOf({ title, lines }: Chart): string {
  const name = lines.length === 1 ? (lines[0]?.name ?? '') : '';
  return short(name === '' ? title : `${title} of ${name}`, 42);
}

function subtitleOf({ threshold, firedAt, endedAt, lines }: Chart, zone: string): string {
  const time = (at: number) => DateTime.fromMillis(at, { zone }).toFormat('HH:mm');
  const what = threshold === null ? null : `${comparisonWords[threshold.is]} ${showNumber(threshold.value)}`;
  const since =
    firedAt === null ? null : endedAt === null ? `since ${time(firedAt)}` : `${time(firedAt)} to ${time(endedAt)}`;
  const state = [firedAt === null ? null : 'fires', what, since].filter(part => part !== null).join(' ');
  return [lines.length === 0 ? 'no points' : null, state === '' ? null : state, zone]
    .filter(part => part !== null)
    .join(' · ');
}

function legendOf(lines: readonly Line[], more: number, look: Look): EChartsOption['legend'] {
  return {
    orient: 'vertical',
    left: 14,
    bottom: 6 + moreHeight(more),
    itemGap: legendRow - 13,
    itemHeight: 8,
    itemWidth: 18,
    icon: 'roundRect',
    textStyle: { color: look.text, fontSize: 13 },
    data: lines.map((_, index) => String(index)),
    formatter: index => {
      const line = lines[Number(index)];
      const last = line === undefined ? null : factsOf(line).last;
      return line === undefined ? '' : `${short(line.name, 38)}${last === null ? '' : `  ${showNumber(last)}`}`;
    },
  };
}

function moreOf(more: number, look: Look): EChartsOption['graphic'] {
  const text = `${more.toLocaleString('en-GB')} more series are not drawn`;
  const style = { text, fill: look.quiet, font: '12.5px DejaVu Sans, sans-serif' };
  return { type: 'text', left: 14, bottom: 8, silent: true, style };
}

/** The library knows no zones but its own and UTC, so times are moved by the zone's offset at the end of the picture. */
function shiftOf(chart: Chart, zone: string): number {
  return DateTime.fromMillis(chart.to, { zone }).offset * 60_000;
}

function timeAxis(chart: Chart, zone: string, look: Look): EChartsOption['xAxis'] {
  const shift = shiftOf(chart, zone);
  const days = chart.to - chart.from > 36 * 3_600_000;
  const seconds = chart.to - chart.from < 4 * 60_000;
  return {
    type: 'time',
    min: chart.from + shift,
    max: chart.to + shift,
    splitNumber: 4,
    axisLine: { onZero: false, lineStyle: { color: look.quiet } },
    axisTick: { lineStyle: { color: look.quiet } },
    splitLine: { show: false },
    axisLabel: {
      color: look.quiet,
      fontSize: 12.5,
      hideOverlap: true,
      formatter: (at: number) =>
        DateTime.fromMillis(at, { zone: 'utc' }).toFormat(days ? 'd LLL' : seconds ? 'HH:mm:ss' : 'HH:mm'),
    },
  };
}

function valueAxis(chart: Chart, look: Look): EChartsOption['yAxis'] {
  return {
    type: 'value',
    splitNumber: 4,
    ...boundsOf(chart),
    axisLine: { onZero: false },
    axisLabel: { color: look.quiet, fontSize: 12.5, formatter: showNumber, showMinLabel: true, showMaxLabel: false },
    splitLine: { lineStyle: { color: look.grid } },
  };
}

/** From the lowest to the highest of the lines and the threshold; from 0 where that costs less than half of the height. */
function boundsOf({ lines, threshold }: Chart): { min: number; max: number } {
  const facts = lines.map(factsOf);
  const values = [...facts.flatMap(({ low, high }) => [low, high]), threshold?.value ?? null].filter(
    value => value !== null && Number.isFinite(value),
  ) as number[];
  if (values.length === 0) return { min: 0, max: 1 };
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low >= 0 && low <= high / 2) return { min: 0, max: high === 0 ? 1 : high * 1.08 };
  return { min: roomBelow(low, high), max: roomAbove(low, high) };
}

/** A little room, so that neither line nor threshold lies on the edge. */
function roomAbove(low: number, high: number): number {
  return high === low ? high + Math.max(1, Math.abs(high) / 10) : high + (high - low) * 0.08;
}

function roomBelow(low: number, high: number): number {
  return high === low ? low - Math.max(1, Math.abs(low) / 10) : low - (high - low) * 0.08;
}

function seriesOf(chart: Chart, index: number, zone: string, look: Look): LineSeriesOption {
  const shift = shiftOf(chart, zone);
  const values = chart.lines[index]?.values ?? [];
  const data = timesOf(chart, values.length).map((at, place) => {
    const value = [at + shift, values[place] ?? null];
    // A point between two gaps is no line; it would not be seen.
    const alone =
      values[place] !== null && (values[place - 1] ?? null) === null && (values[place + 1] ?? null) === null;
    return alone ? { value, symbol: 'circle', symbolSize: 5 } : { value, symbol: 'none' };
  });
  return {
    type: 'line',
    name: String(index),
    data: data as LineSeriesOption['data'] & object,
    showSymbol: true,
    connectNulls: false,
    silent: true,
    lineStyle: { width: 2, type: lineTypes[index % lineTypes.length] ?? 'solid' },
    ...(index === 0 ? marksOf(chart, zone, look) : {}),
  };
}

/** Beside the colour, so that neighbours are told apart without any. */
const lineTypes: readonly ('solid' | number[])[] = ['solid', [6, 3], [2, 2]];

/** Without any points the marks are shown all the same. */
function emptyLine(chart: Chart, zone: string, look: Look): LineSeriesOption {
  return { type: 'line', name: 'none', data: [], silent: true, ...marksOf(chart, zone, look) };
}

/** The threshold, what is beyond it, and when the alert began and ended. */
function marksOf(chart: Chart, zone: string, look: Look): Pick<LineSeriesOption, 'markLine' | 'markArea'> {
  const { threshold, firedAt, endedAt } = chart;
  const shift = shiftOf(chart, zone);
  const time = (at: number) => DateTime.fromMillis(at, { zone }).toFormat('HH:mm');
  const moments = [firedAt, endedAt].filter(at => at !== null && at >= chart.from && at <= chart.to) as number[];
  const style = { color: look.bad, width: 1.5 };
  const words = { color: look.bad, fontSize: 12.5, fontWeight: 'bold' as const };
  const limit = threshold !== null && Number.isFinite(threshold.value) ? threshold : null;
  const vertical = moments.map(at => ({
    xAxis: at + shift,
    lineStyle: { ...style, type: 'solid' as const },
    label: { ...words, formatter: time(at), position: 'end' as const, distance: 2 },
  }));
  const level =
    limit === null
      ? []
      : [
          {
            yAxis: limit.value,
            lineStyle: { ...style, type: 'dashed' as const },
            label: { ...words, formatter: showNumber(limit.value), position: 'insideStartTop' as const },
          },
        ];
  const above = limit?.is === '>' || limit?.is === '>=';
  const below = limit?.is === '<' || limit?.is === '<=';
  const bounds = boundsOf(chart);
  return {
    markLine: { symbol: 'none', silent: true, animation: false, data: [...level, ...vertical] },
    ...(limit !== null && (above || below)
      ? {
          markArea: {
            silent: true,
            itemStyle: { color: look.badArea },
            data: [[{ yAxis: limit.value }, { yAxis: above ? bounds.max : bounds.min }]],
          },
        }
      : {}),
  };
}
