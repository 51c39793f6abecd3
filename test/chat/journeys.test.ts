import { journeyContract } from '../contracts/journey.ts';
import { addMember } from '../doubles/discord/index.ts';
import { openConsole, openDiscord, openSlack } from '../journey/setup.ts';

journeyContract('slack', (later, files) =>
  openSlack(
    later,
    files({
      route: 'slack:#alerts',
      accounts: { platform: 'slack', alice: 'T0ACME/U0ALICE', bob: 'T0ACME/U0BOB', rita: 'T0ACME/U0RITA' },
    }),
  ),
);

journeyContract('discord', async (later, files) => {
  const people = ['alice', 'bob', 'rita'] as const;
  const place = await openDiscord(later, people, ids =>
    files({ route: 'discord:alerts', accounts: { platform: 'discord', ...ids } }),
  );
  addMember(place.discord.world, 'mallory');
  return place;
});

journeyContract('console', (later, files) =>
  openConsole(later, { alice: 'ALICE', bob: 'BOB', rita: 'RITA' }, files({ route: 'console:alerts' })),
);
