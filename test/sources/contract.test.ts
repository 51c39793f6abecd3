import { sourceContract } from '../contracts/source/contract.ts';
import { loadSources } from '../contracts/source/samples.ts';

for (const source of (await loadSources()).values()) sourceContract(source);
