import { chatContract } from '../contracts/chat.ts';
import { openContractGround } from './discord/ground.ts';

chatContract('discord', openContractGround);
