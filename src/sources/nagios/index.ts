import { notificationSource } from './driver.ts';
import { type Options, options } from './options.ts';

export default notificationSource<Options>({
  id: 'nagios',
  options,
  about:
    'Notifications of Nagios, from the script in deploy/nagios: problem, acknowledgement and recovery of a host or service are one alert, and downtimes, flapping and custom notifications stand in its thread.',
  setup: {
    options: { token: '{secret}' },
    secret: 'ours',
    steps: [
      'Copy deploy/nagios/tocsin-notify of the repository to /usr/local/bin, and deploy/nagios/tocsin.cfg to /etc/nagios4/conf.d. Set the address in it to {url}',
      'Write into /etc/nagios4/tocsin.header, which only the program may read: Authorization: Bearer {secret}',
      'Name the contact, or choose the hosts and services, and reload.',
    ],
    page: 'docs/nagios.md',
  },
});
