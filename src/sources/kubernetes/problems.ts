import type { Severity } from '../../model/event.ts';

/**
 * How the end of a problem of a pod is seen in the pod itself: `scheduled` once it has a node; `started` once a container runs that was
 * started afterwards; `running` once the container has run steadily since; `ready` once the pod became ready afterwards, or is ready and no
 * event came for longer than the kubelet keeps them back.
 */
export type Cure = 'scheduled' | 'started' | 'running' | 'ready';

export interface Problem {
  severity: Severity;
  /** The reasons of events about the same object that end it. */
  endedBy?: readonly string[];
  cure?: Cure;
  /** True for one of type Normal that opens an alert all the same. */
  normal?: true;
}

/**
 * The reasons of events that are known, and what ends them. Names are those of the kubelet (pkg/kubelet/events/event.go), the scheduler and
 * the controllers of Kubernetes. Every other event of type Warning opens an alert of severity warning that ends by silence.
 */
export const problems: Readonly<Record<string, Problem>> = {
  // Pods
  FailedScheduling: { severity: 'warning', endedBy: ['Scheduled'], cure: 'scheduled' },
  BackOff: { severity: 'error', endedBy: ['Started'], cure: 'running' },
  Failed: { severity: 'error', endedBy: ['Started'], cure: 'started' },
  InspectFailed: { severity: 'error', endedBy: ['Started'], cure: 'started' },
  ErrImageNeverPull: { severity: 'error', endedBy: ['Started'], cure: 'started' },
  Unhealthy: { severity: 'warning', cure: 'ready' },
  ProbeWarning: { severity: 'warning', cure: 'ready' },
  FailedMount: { severity: 'error', endedBy: ['Started'], cure: 'started' },
  FailedMapVolume: { severity: 'error', endedBy: ['Started'], cure: 'started' },
  FailedAttachVolume: { severity: 'error', endedBy: ['SuccessfulAttachVolume', 'Started'], cure: 'started' },
  FailedCreatePodSandBox: { severity: 'error', endedBy: ['Started'], cure: 'started' },
  FailedCreatePodContainer: { severity: 'error', endedBy: ['Started'], cure: 'started' },
  NetworkNotReady: { severity: 'error', endedBy: ['Started'], cure: 'started' },
  FailedPostStartHook: { severity: 'error', endedBy: ['Started'], cure: 'running' },
  Evicted: { severity: 'error' },
  // Nodes, where their conditions are not watched
  NodeNotReady: { severity: 'error', endedBy: ['NodeReady'], normal: true },
  NodeHasDiskPressure: { severity: 'warning', endedBy: ['NodeHasNoDiskPressure'], normal: true },
  NodeHasInsufficientMemory: { severity: 'warning', endedBy: ['NodeHasSufficientMemory'], normal: true },
  NodeHasInsufficientPID: { severity: 'warning', endedBy: ['NodeHasSufficientPID'], normal: true },
  SystemOOM: { severity: 'error' },
  OOMKilling: { severity: 'error' },
  // Controllers
  FailedCreate: { severity: 'error', endedBy: ['SuccessfulCreate'] },
  FailedDelete: { severity: 'warning', endedBy: ['SuccessfulDelete'] },
  BackoffLimitExceeded: { severity: 'error' },
  DeadlineExceeded: { severity: 'error' },
  ProvisioningFailed: { severity: 'error', endedBy: ['ProvisioningSucceeded'] },
  VolumeResizeFailed: { severity: 'warning', endedBy: ['VolumeResizeSuccessful', 'FileSystemResizeSuccessful'] },
  SyncLoadBalancerFailed: { severity: 'error', endedBy: ['EnsuredLoadBalancer'] },
  FailedGetResourceMetric: { severity: 'warning', endedBy: ['SuccessfulRescale'] },
};

const otherWarning: Problem = { severity: 'warning' };

/** What opens an alert: the known reasons, and every other Warning. Null for all else. */
export function problemOf(reason: string, type: string): Problem | null {
  const known = Object.hasOwn(problems, reason) ? problems[reason] : undefined;
  if (known !== undefined) return type === 'Warning' || known.normal === true ? known : null;
  return type === 'Warning' && reason !== '' ? otherWarning : null;
}

/** The rules for a live alert, whatever the event was. */
export function rulesOf(reason: string): Problem {
  return (Object.hasOwn(problems, reason) ? problems[reason] : undefined) ?? otherWarning;
}

/** The reasons that are over after an event with this one. What only a pod tells for sure is left to it where pods are watched. */
export function endedBy(reason: string, watchesPods: boolean): string[] {
  return Object.entries(problems)
    .filter(([, one]) => one.endedBy?.includes(reason) === true && !(watchesPods && one.cure === 'running'))
    .map(([name]) => name);
}

/** A node's or a Deployment's condition that is a problem. */
export interface Level {
  kind: 'Node' | 'Deployment';
  condition: string;
  /** The status that is the problem; `not True` also takes Unknown (a node that nobody hears of). */
  when: 'True' | 'False' | 'not True';
  /** What the alert is called: its label `reason`. */
  reason: string;
  severity: Severity;
  /** How long it must have lasted, milliseconds: each rollout begins unavailable. */
  hold: number;
}

/** Conditions with which Kubernetes and its node-problem-detector speak of problems. */
export const levels: readonly Level[] = [
  { kind: 'Node', condition: 'Ready', when: 'not True', reason: 'NodeNotReady', severity: 'error', hold: 0 },
  { kind: 'Node', condition: 'MemoryPressure', when: 'True', reason: 'MemoryPressure', severity: 'warning', hold: 0 },
  { kind: 'Node', condition: 'DiskPressure', when: 'True', reason: 'DiskPressure', severity: 'warning', hold: 0 },
  { kind: 'Node', condition: 'PIDPressure', when: 'True', reason: 'PIDPressure', severity: 'warning', hold: 0 },
  {
    kind: 'Node',
    condition: 'NetworkUnavailable',
    when: 'True',
    reason: 'NetworkUnavailable',
    severity: 'error',
    hold: 0,
  },
  { kind: 'Node', condition: 'KernelDeadlock', when: 'True', reason: 'KernelDeadlock', severity: 'error', hold: 0 },
  {
    kind: 'Node',
    condition: 'ReadonlyFilesystem',
    when: 'True',
    reason: 'ReadonlyFilesystem',
    severity: 'error',
    hold: 0,
  },
  {
    kind: 'Deployment',
    condition: 'Progressing',
    when: 'False',
    reason: 'ProgressDeadlineExceeded',
    severity: 'error',
    hold: 0,
  },
  {
    kind: 'Deployment',
    condition: 'Available',
    when: 'False',
    reason: 'Unavailable',
    severity: 'error',
    hold: 120_000,
  },
  {
    kind: 'Deployment',
    condition: 'ReplicaFailure',
    when: 'True',
    reason: 'ReplicaFailure',
    severity: 'error',
    hold: 0,
  },
];

/** The events of nodes that say what a watched condition says better. */
export const toldByConditions: ReadonlySet<string> = new Set([
  'NodeNotReady',
  'NodeHasDiskPressure',
  'NodeHasInsufficientMemory',
  'NodeHasInsufficientPID',
]);
