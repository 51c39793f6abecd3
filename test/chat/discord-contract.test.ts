import { chatContract } from '../contracts/chat.ts';
import { openContractHarness } from './discord/harness.ts';

chatContract('discord', openContractHarness);
