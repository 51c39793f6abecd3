import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { githubApp } from '../../kernel/github-app.ts';
import { secretList } from '../../kernel/signature.ts';
import { isLoopbackUrl } from '../../kernel/web-url.ts';
import { name } from '../config.ts';

const address = z
  .url({ protocol: /^https?$/ })
  .refine(url => url.startsWith('https:') || isLoopbackUrl(url), 'is not https: the token would go in clear text')
  .transform(url => url.replace(/\/+$/, ''));

const gate = name.meta({ description: 'The gate that it asks. The `ask` of that gate names the door.' });

const repository = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9-_]{0,99}(\/[A-Za-z0-9._-]{1,100})?$/, 'neither owner/repository nor an owner')
  .transform(text => text.toLowerCase());

const githubDoor = z.strictObject({
  gate,
  secret: secretList.meta({ description: "The secret of the app's webhook, or several while one replaces another." }),
  app: githubApp.meta({ description: 'The GitHub App that is the protection rule: its id and its private key.' }),
  repositories: z.array(repository).min(1).max(1000).optional().meta({
    description:
      'Whose deployments are decided: `owner/repository`, or an owner for all of its repositories. All where the app is installed when left out. Only those written as `owner/repository` are also looked through for questions that no webhook brought.',
  }),
  url: address.default('https://api.github.com').meta({
    description: 'Where the REST API answers. GitHub Enterprise Server: `https://HOST/api/v3`.',
  }),
  poll: duration.prefault('1m').meta({ description: 'How often it looks for webhooks that did not arrive.' }),
});
export type GitHubDoor = z.infer<typeof githubDoor>;

const project = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}(\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}){0,20}$/, 'not the path of a project')
  .transform(text => text.toLowerCase());

const gitlabDoor = z.strictObject({
  gate,
  secret: secretList.meta({ description: 'The shared secret of the status check, with which GitLab signs (HMAC).' }),
  apiToken: z.string().min(1, 'a token must not be empty; is its environment variable set?').meta({
    description: 'The token that answers: of the project or group, with the scope api and the role Developer.',
  }),
  projects: z.array(project).min(1).max(1000).optional().meta({
    description:
      'Whose merge requests are decided: the path of a project (`acme/shop`), or of a group for all below it. All when left out.',
  }),
  url: address.default('https://gitlab.com').meta({ description: 'Where GitLab answers.' }),
  again: duration.prefault('1m').meta({
    description: 'How often GitLab is told that people still decide. After two minutes without it, the check fails.',
  }),
});
export type GitLabDoor = z.infer<typeof gitlabDoor>;

const terraformDoor = z.strictObject({
  gate,
  secret: secretList.meta({ description: 'The HMAC key of the run task, or several while one replaces another.' }),
  organizations: z
    .array(z.string().regex(/^[A-Za-z0-9_-]{1,100}$/))
    .min(1)
    .max(100)
    .optional()
    .meta({
      description: 'Whose runs are decided. All that prove the key when left out.',
    }),
  urls: z.array(address).min(1).max(10).prefault(['https://app.terraform.io']).meta({
    description: 'Where results may be sent. A request that names another host for its answer is refused.',
  }),
  again: duration.prefault('2m').meta({
    description: 'How often Terraform is told that people still decide. After ten minutes without it, the task fails.',
  }),
});
export type TerraformDoor = z.infer<typeof terraformDoor>;

/** Services that ask gates through doors of their own. */
export const doorsFile = z.strictObject({
  github: githubDoor.optional().meta({ description: 'Custom deployment protection rules of GitHub.' }),
  gitlab: gitlabDoor.optional().meta({ description: 'External status checks of GitLab.' }),
  terraform: terraformDoor.optional().meta({ description: 'Run tasks of Terraform Cloud and Enterprise.' }),
});
export type ServiceDoors = z.infer<typeof doorsFile>;
export type DoorName = keyof ServiceDoors;
