import { dirname, resolve } from 'node:path';
import { nearest } from '../kernel/nearest.ts';
import type { KubernetesDoorFile } from '../model/gates/kubernetes-door.ts';
import type { GateSpec, KubernetesDoor } from '../ports/catalogue.ts';
import type { Faults } from './problems.ts';

const at = ['doors', 'kubernetes'] as const;
const loopback = ['127.0.0.1', 'localhost', '::1'];

/** What a question of this door can say; `service` only where all namespaces name one. */
const said = ['image', 'environment', 'actor'];

/** Checks the door against the gate that it asks, and makes its files absolute: they stand beside gates.yaml. */
export function kubernetesDoor(
  file: KubernetesDoorFile,
  gates: ReadonlyMap<string, GateSpec>,
  faults: Faults,
): KubernetesDoor {
  const gate = gates.get(file.gate);
  if (gate === undefined) {
    const known = [...gates.keys()];
    faults.add([...at, 'gate'], 'there is no such gate in this file', {
      given: file.gate,
      allowed: known.join(', ') || 'the name of a gate under gates',
      nearest: nearest(file.gate, known),
    });
  } else checkGate(file, gate, faults);
  checkProof(file, faults);
  const path = (name: string) => resolve(dirname(faults.yaml.file), name);
  return {
    ...file,
    listen: addressOf(file.listen, faults),
    cert: path(file.cert),
    key: path(file.key),
    ...(file.clientCa === undefined ? {} : { clientCa: path(file.clientCa) }),
  };
}

function checkGate(file: KubernetesDoorFile, gate: GateSpec, faults: Faults): void {
  if (!gate.ask.includes('service:door:kubernetes'))
    faults.add([...at, 'gate'], `the gate "${gate.name}" does not let this door ask`, {
      allowed: `ask: [..., "door:kubernetes"] under gates.${gate.name}`,
    });
  const services = Object.values(file.namespaces).every(({ service }) => service !== undefined);
  const lacks = gate.needs.filter(need => !said.includes(need) && !(need === 'service' && services));
  if (lacks.length > 0)
    faults.add([...at, 'gate'], `the gate "${gate.name}" needs what this door cannot say: ${lacks.join(', ')}`, {
      allowed: 'needs: image, environment, actor; service where every namespace names one',
    });
}

/** Whoever reaches the port may write any user into a request, unless the client proves that it is the API server. */
function checkProof({ listen, clientCa, clientNames, breakGlass }: KubernetesDoorFile, faults: Faults): void {
  if (clientCa !== undefined) return;
  if (breakGlass !== undefined)
    faults.add(
      [...at, 'breakGlass'],
      'without clientCa anybody who reaches the port could say that they are in the group',
      { key: true, allowed: 'together with clientCa' },
    );
  if (clientNames !== undefined)
    faults.add([...at, 'clientNames'], '"clientNames" has no effect without clientCa', { key: true });
  if (!loopback.includes(hostOf(listen)) && breakGlass === undefined)
    faults.add([...at, 'listen'], 'without clientCa anybody who reaches this port can open questions', {
      level: 'warning',
      allowed: 'clientCa, or an address that only the API server reaches',
    });
}

function hostOf(listen: string): string {
  return listen.slice(0, listen.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

function addressOf(listen: string, faults: Faults): KubernetesDoor['listen'] {
  const port = Number(listen.slice(listen.lastIndexOf(':') + 1));
  if (port > 65_535)
    faults.add([...at, 'listen'], 'there is no such port', { given: String(port), allowed: '0 to 65535' });
  return { host: hostOf(listen), port };
}
