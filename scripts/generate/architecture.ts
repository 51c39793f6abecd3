import { flowModules, layerOf, moduleOf, readFiles, type SourceFile } from './support/modules.ts';

/** docs/architecture.svg: the layers of src from top to bottom and the modules of flow with what they import, read off the imports. */
export default function generateArchitecture(): Record<string, string> {
  const files = readFiles('src');
  return { 'docs/architecture.svg': draw(files) };
}

const width = 960;
const margin = 16;
const band = { height: 40, gap: 12 };
const box = { height: 38, gap: 26 };
/** The width of the column beside flow. */
const side = 210;

interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The modules of flow and, for each, those that its files import. */
function importsBetween(files: readonly SourceFile[]): Map<string, Set<string>> {
  const arrows = new Map(flowModules.map(name => [name, new Set<string>()]));
  for (const { path, imports } of files) {
    const from = moduleOf(path);
    for (const target of imports) {
      const to = moduleOf(target);
      if (from !== undefined && to !== undefined && from !== to) arrows.get(from)?.add(to);
    }
  }
  return arrows;
}

/** All direct and indirect imports of a module. */
function reachOf(name: string, arrows: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const reach = new Set<string>();
  for (const next of arrows.get(name) ?? []) for (const one of [next, ...reachOf(next, arrows)]) reach.add(one);
  return reach;
}

/** Removes the arrows that follow from others (transitive reduction), so that the picture stays readable. */
function reduced(arrows: ReadonlyMap<string, ReadonlySet<string>>): [string, string][] {
  return [...arrows].flatMap(([from, targets]) =>
    [...targets]
      .filter(to => ![...targets].some(other => other !== to && reachOf(other, arrows).has(to)))
      .map(to => [from, to] as [string, string]),
  );
}

function levelOf(name: string, arrows: ReadonlyMap<string, ReadonlySet<string>>): number {
  return Math.max(0, ...[...(arrows.get(name) ?? [])].map(next => levelOf(next, arrows) + 1));
}

function draw(files: readonly SourceFile[]): string {
  const parts: string[] = [];
  let y = margin;
  const place = (height: number): Rect => {
    const rect = { x: margin, y, width: width - 2 * margin, height };
    y += height + band.gap;
    return rect;
  };
  const layers = Map.groupBy(Object.keys(layerOf), name => layerOf[name] ?? 0);
  for (const [, names] of [...layers].sort(([a], [b]) => b - a)) {
    if (!names.includes('flow')) {
      parts.push(...row(place(band.height), names));
      continue;
    }
    const arrows = importsBetween(files);
    const rect = place(heightOfFlow(arrows));
    const inner = { ...rect, width: rect.width - side - band.gap };
    parts.push(...drawFlow(inner, arrows));
    const beside = names.filter(name => name !== 'flow');
    parts.push(...column({ ...rect, x: rect.x + inner.width + band.gap, width: side }, beside));
  }
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 4}" role="img" aria-label="The layers of src and the modules of flow" font-family="system-ui, sans-serif" font-size="15">`;
  const arrow =
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#57606a"/></marker></defs>';
  return `${[head, arrow, `<rect width="${width}" height="${y + 4}" fill="#ffffff"/>`, ...parts, '</svg>'].join('\n')}\n`;
}

function row(rect: Rect, labels: readonly string[]): string[] {
  const each = (rect.width - band.gap * (labels.length - 1)) / labels.length;
  return labels.flatMap((text, at) => boxed({ ...rect, x: rect.x + at * (each + band.gap), width: each }, text));
}

function column(rect: Rect, labels: readonly string[]): string[] {
  const each = (rect.height - band.gap * (labels.length - 1)) / labels.length;
  return labels.flatMap((text, at) => boxed({ ...rect, y: rect.y + at * (each + band.gap), height: each }, text));
}

function rowsOf(arrows: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const rows = Map.groupBy(flowModules, name => levelOf(name, arrows));
  return [...rows].sort(([a], [b]) => b - a).map(([, names]) => names);
}

function heightOfFlow(arrows: ReadonlyMap<string, ReadonlySet<string>>): number {
  const rows = rowsOf(arrows).length;
  return 34 + rows * box.height + (rows - 1) * box.gap + margin;
}

function drawFlow(rect: Rect, arrows: ReadonlyMap<string, ReadonlySet<string>>) {
  const boxes = new Map<string, Rect>();
  for (const [at, names] of rowsOf(arrows).entries()) {
    const y = rect.y + 34 + at * (box.height + box.gap);
    const each = (rect.width - margin) / names.length - margin;
    for (const [index, name] of names.entries())
      boxes.set(name, { x: rect.x + margin + index * (each + margin), y, width: each, height: box.height });
  }
  const lines = reduced(arrows).map(([from, to]) => line(boxes.get(from) ?? rect, boxes.get(to) ?? rect));
  return [
    `<rect x="${rect.x}" y="${rect.y}" width="${rect.width}" height="${rect.height}" rx="6" fill="#f6f8fa" stroke="#8c959f"/>`,
    `<text x="${rect.x + margin}" y="${rect.y + 23}" fill="#1f2328" font-weight="600">flow</text>`,
    ...lines,
    ...[...boxes].flatMap(([name, one]) => boxed(one, name)),
  ];
}

/** An arrow from the lower edge of the importing module to the upper edge of the imported one. */
function line(from: Rect, to: Rect): string {
  const [x1, x2] = [from.x + from.width / 2, to.x + to.width / 2].map(Math.round);
  return `<line x1="${x1}" y1="${from.y + from.height}" x2="${x2}" y2="${to.y - 1}" stroke="#57606a" marker-end="url(#tip)"/>`;
}

function boxed(rect: Rect, text: string): string[] {
  const [x, y, w, h] = [rect.x, rect.y, rect.width, rect.height].map(Math.round);
  return [
    `<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="6" fill="#ddf4ff" stroke="#0969da"/>`,
    `<text x="${Math.round(rect.x + rect.width / 2)}" y="${Math.round(rect.y + rect.height / 2 + 5)}" fill="#1f2328" text-anchor="middle">${text}</text>`,
  ];
}
