import type { Html } from '../../src/kernel/html.ts';

/** A page of one drawing. Colours of bars come from the messages, so each has a rule of its own. */
export function pageOf(body: Html, dark: boolean): string {
  const markup = String(body);
  const bars = [...new Set([...markup.matchAll(/bar-([0-9a-fA-F]{6})/g)].map(match => match[1]))];
  const rules = bars.map(colour => `.bar-${colour} { border-left-color: #${colour}; }`).join('\n');
  return `<!doctype html><meta charset="utf-8"><style>${sheet}${dark ? darker : ''}${rules}</style>${markup}`;
}

const sheet = `
body { margin: 0; font: 15px/1.45 "DejaVu Sans", sans-serif; background: #fff; color: #1d1c1d; }
section { padding: 14px 18px; }
.push { background: #eee; color: #333; border-radius: 8px; padding: 6px 10px; font-size: 13px; }
.author { margin: 4px 0; } .app { background: #ddd; color: #555; font-size: 10px; padding: 1px 3px; border-radius: 3px; }
.attachment { border-left: 4px solid #999; padding: 4px 0 4px 12px; margin: 6px 0; }
.rich { white-space: pre-wrap; overflow-wrap: anywhere; }
pre { background: #f6f6f6; border: 1px solid #ddd; border-radius: 4px; padding: 6px 8px; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 12px; color: #1d1c1d; }
code { background: #f6f6f6; border: 1px solid #ddd; border-radius: 3px; color: #c0175d; font-size: 12px; }
blockquote { border-left: 4px solid #ddd; margin: 4px 0; padding-left: 10px; color: #555; }
.context { color: #616061; font-size: 12px; }
.press { display: inline-block; border: 1px solid #bbb; border-radius: 4px; padding: 4px 10px; font-weight: 700; font-size: 13px; }
.press.primary { background: #007a5a; color: #fff; } .press.danger { background: #e01e5a; color: #fff; }
.mention { background: #e8f5fa; color: #1264a3; } .link { color: #1264a3; } .emoji { color: #888; font-size: 11px; }
.input .line { display: block; border: 1px solid #999; height: 30px; border-radius: 4px; }
.unknown { background: #fdd; } .modal { border: 1px solid #aaa; margin: 10px; border-radius: 8px; }
.embed-fields { display: grid; grid-template-columns: repeat(3, 1fr); gap: 6px; } .embed-fields > div { grid-column: 1 / -1; } .embed-fields > .inline { grid-column: auto; }
`;

const darker = `
body { background: #313338; color: #dbdee1; }
.attachment { background: #2b2d31; border-radius: 4px; padding: 8px 12px; max-width: 520px; }
pre, code { background: #1e1f22; border-color: #1e1f22; color: #dbdee1; }
.context { color: #949ba4; } .mention { background: #3c4270; color: #c9cdfb; }
`;
