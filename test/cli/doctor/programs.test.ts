import { describe, expect, it } from 'vitest';
import { checkPrograms } from '../../../src/cli/doctor/programs.ts';
import type { Terminal } from '../../../src/cli/terminal.ts';

const terminal = { env: { PATH: '/usr/local/bin:/usr/bin:/bin' } } as unknown as Terminal;
const false1 = { name: 'perl', argv: ['/bin/false'], direct: true };

describe('doctor on the programs of steps', () => {
  it('is content where a helper of Perl starts them', async () => {
    const { findings } = await checkPrograms(terminal);
    expect(findings).toEqual([{ what: 'programs of steps are started by helper processes', state: 'ok' }]);
  });

  it('warns where no helper runs, with the reason and what to do', async () => {
    const { findings } = await checkPrograms(terminal, { kinds: [false1] });
    expect(findings).toMatchObject([{ state: 'warning' }]);
    expect(findings[0]?.because).toContain('perl: a spawn helper ended with 1');
    expect(findings[0]?.remedy).toContain('Install Perl');
  });

  it('says that nothing can be started where that is so', async () => {
    const { findings } = await checkPrograms({ env: { PATH: '/nowhere' } } as unknown as Terminal);
    expect(findings).toMatchObject([{ state: 'bad' }]);
    expect(findings[0]?.because).toContain('no program "true"');
  });
});
