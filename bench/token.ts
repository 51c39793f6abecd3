/** The token that the benches send with their deliveries. */
export const token = 'bench-token-0123456789abcdef';
