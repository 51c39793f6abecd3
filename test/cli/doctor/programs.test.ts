import { describe, expect, it } from 'vitest';
import { checkPrograms } from '../../../src/cli/doctor/programs.ts';
import type { Terminal } from '../../../src/cli/terminal.ts';
import { helperKinds } from '../../../src/kernel/child/spawner/kinds.ts';

const terminal = { env: { PATH: '/usr/local/bin:/usr/bin:/bin' } } as unknown as Terminal;
const kinds = await helperKinds({ path: terminal.env['PATH'] ?? '', deathSignal: async () => [] });
const false1 = { name: 'perl', argv: ['/bin/false'], direct: true };

describe('doctor on the programs of steps', () => {
  it('is content where a helper starts them, and says what a better one needs', async () => {
    const native = kinds.filter(kind => kind.name === 'native');
    // Without a compiler there is none; where everything must be tested, that fails.
    if (native.length > 0 || process.env['CI'] === 'true') {
      const { findings } = await checkPrograms(terminal, { kinds: native });
      expect(findings).toEqual([{ what: 'programs of steps are started by helper processes', state: 'ok' }]);
    }
    const perl = kinds.filter(kind => kind.name === 'perl');
    expect((await checkPrograms(terminal, { kinds: perl })).findings).toMatchObject([
      { state: 'ok', because: expect.stringContaining('libc6-dev') },
    ]);
    const node = kinds.filter(kind => kind.name === 'node');
    expect((await checkPrograms(terminal, { kinds: node })).findings).toMatchObject([
      { state: 'ok', because: expect.stringContaining('neither a C compiler nor Perl') },
    ]);
  });

  it('warns where no helper runs, with the reason and what to do', async () => {
    const { findings } = await checkPrograms(terminal, { kinds: [false1] });
    expect(findings).toMatchObject([{ state: 'warning' }]);
    expect(findings[0]?.because).toContain('perl: a spawn helper ended with 1');
    expect(findings[0]?.remedy).toContain('Install a C compiler or Perl');
  });

  it('says that nothing can be started where that is so', async () => {
    const { findings } = await checkPrograms({ env: { PATH: '/nowhere' } } as unknown as Terminal);
    expect(findings).toMatchObject([{ state: 'bad' }]);
    expect(findings[0]?.because).toContain('no program "true"');
  });
});
