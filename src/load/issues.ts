import type { z } from 'zod';
import type { Path } from './yaml.ts';

type Issue = z.core.$ZodIssue;

/** A path whose value comes from a template; `fixed` when its type is known at load. */
export interface TemplatePlace {
  path: Path;
  fixed: boolean;
}

/** Drops issues about values of templates, which are not known at load. Keeps a wrong type that is known. */
export function relevantIssues(issues: readonly Issue[], places: readonly TemplatePlace[], base: Path = []): Issue[] {
  return issues.flatMap((issue): Issue[] => {
    const path = [...base, ...issue.path];
    const place = places.find(one => startsWith(path, one.path));
    if (place !== undefined) {
      const mistaken = place.fixed && issue.code === 'invalid_type' && path.length === place.path.length;
      return mistaken ? [issue] : [];
    }
    if (issue.code !== 'invalid_union') return [issue];
    const branches = issue.errors.map(branch => relevantIssues(branch, places, path));
    return branches.some((branch, index) => branch.length === 0 && (issue.errors[index]?.length ?? 0) > 0)
      ? []
      : [{ ...issue, errors: branches } as Issue];
  });
}

function startsWith(path: Path, start: Path): boolean {
  return start.length <= path.length && start.every((part, index) => part === path[index]);
}
